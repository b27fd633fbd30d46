/** A page that is loaded again goes on with what was saved. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ack, again, BOB, CANCEL, EVE, leave, MATCH, resume, Scene, viewed, waiting } from "./scene.mjs";

/** The page goes, and another comes with what was saved, and connects. */
function reloaded(scene) {
  scene.chat.flush();
  const next = new Scene({ saved: scene.saved.at(-1), clock: scene.net.clock });
  next.chat.connect();
  next.node.open();
  return next;
}

test("it knows its account, sessions and search before it is connected", () => {
  const scene = new Scene().talking(EVE);
  scene.chat.match();
  scene.chat.flush();
  const { chat } = new Scene({ saved: scene.saved.at(-1) });
  assert.deepEqual(chat.account, scene.chat.account);
  assert.deepEqual(chat.sessions, [BOB, EVE]);
  assert.deepEqual([chat.waiting, chat.state], [true, "closed"]);
});

test("it resumes after the last push that was saved", () => {
  const scene = new Scene().talking();
  scene.message(1, "one");
  const next = reloaded(scene);
  next.expect(resume(1));
  next.resumed();
  next.message(1, "one");
  next.message(2, "two");
  next.told("connecting", "online", ["message", { sessionId: BOB.sessionId, msgId: 2, content: "two" }]);
  next.pass();
  next.expect(ack(2));
});

test("the number is unknown still, where it was", () => {
  const scene = new Scene().talking();
  scene.back({ recovered: false });
  reloaded(scene).expect(resume(null));
});

test("what was not answered is sent again in order, as what may have arrived", () => {
  const scene = new Scene().talking(EVE);
  const [one, two, other] = [scene.say("one"), scene.say("two"), scene.say("other", EVE)];
  const next = reloaded(scene);
  next.skip().resumed();
  next.expect(again(one), again(other));
  next.answer(one, 0, { msgId: 1 });
  next.expect(again(two));
});

test("it goes on leaving, reading and cancelling", () => {
  const scene = new Scene().talking(EVE);
  scene.chat.leave(EVE.sessionId);
  scene.chat.viewed(BOB.sessionId, 3);
  scene.chat.match();
  scene.chat.cancel();
  const next = reloaded(scene);
  next.skip().resumed({ sessions: [BOB, EVE] });
  next.expect(leave(EVE), CANCEL, viewed(3));
  next.told("online");
});

test("it goes on looking for a partner: asks where that was not answered", () => {
  const scene = new Scene().online();
  scene.chat.match();
  const next = reloaded(scene);
  next.skip().resumed();
  next.expect(MATCH);
  next.told("online");
});

for (const place of [true, false])
  test(`it goes on looking for a partner: ${place ? "waits" : "was paired"} where it was queued`, () => {
    const scene = new Scene().online();
    scene.chat.match();
    scene.node.says("MATCH_RESP", { code: 4 });
    const next = reloaded(scene);
    next.skip().resumed({ waiting: place });
    next.signal(1, "NewSession");
    next.told("online", waiting(false), ["session", BOB]);
    next.expect();
  });

test("an account that is gone meanwhile ends what was saved", () => {
  const next = reloaded(new Scene().talking());
  next.skip().node.says("RECONNECT_RESP", { code: 4 });
  next.told("gone", ["ended", { sessionId: BOB.sessionId }]);
  next.chat.connect("Ada");
  next.node.open();
  next.expect({ cmd: "CRT_ACCOUNT_REQ", nickName: "Ada" });
});

for (const saved of [null, undefined, "{}"])
  test(`without an account in it (${saved}) it begins anew`, () => {
    const scene = new Scene({ saved });
    scene.chat.connect("Ada");
    scene.node.open();
    scene.expect({ cmd: "CRT_ACCOUNT_REQ", nickName: "Ada" });
  });

test("what is saved after a goodbye begins anew", () => {
  const scene = new Scene().talking();
  scene.chat.close();
  reloaded(scene).expect({ cmd: "CRT_ACCOUNT_REQ", nickName: "" });
});

test("what was saved does not change when the client does", () => {
  const states = [];
  const scene = new Scene({ save: (state) => states.push(state) }).talking();
  scene.say("one");
  scene.chat.flush();
  const [state, json] = [states.at(-1), scene.saved.at(-1)];
  scene.say("two");
  scene.back();
  assert.equal(JSON.stringify(state), json);
});

test("flush saves and acknowledges now, and nothing where nothing has changed", () => {
  const scene = new Scene().talking();
  scene.message(1, "one");
  scene.chat.flush();
  scene.chat.flush();
  scene.pass();
  assert.deepEqual(scene.log, ["save", "PUSH_SIGNAL_RESP"]);
});

test("what is wanted is saved without a connection as well", () => {
  const scene = new Scene().talking();
  scene.node.lose();
  scene.skip();
  scene.say("one");
  scene.pass();
  assert.equal(JSON.parse(scene.saved.at(-1)).outbox[0].content, "one");
});
