/** What pushes say, each once, over losses. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ack, again, BOB, EVE, MATCH, resume, Scene, waiting } from "./scene.mjs";

const { sessionId } = BOB;
const message = (msgId, content) => ["message", { sessionId, msgId, content }];
const missed = ["missed", {}];
const back = ["offline", "connecting", "online"];

test("every push is an event", () => {
  const scene = new Scene().talking();
  scene.message(1, "hello\n");
  scene.push(2, "VIEWED_ACK", { sessionId, accountId: 2000, msgId: 5 });
  scene.signal(undefined, "Typing", BOB, { typing: true });
  scene.signal(3, "PartnerAway");
  scene.signal(4, "PartnerBack");
  scene.signal(5, "PartnerExit");
  scene.told(
    message(1, "hello\n"),
    ["viewed", { sessionId, msgId: 5 }],
    ["typing", { sessionId, typing: true }],
    ["away", { sessionId }],
    ["back", { sessionId }],
    ["ended", { sessionId }],
  );
});

test("what a later release pushes is acknowledged, and otherwise ignored", () => {
  const scene = new Scene().talking();
  scene.push(1, "DANCE", { sessionId });
  scene.signal(2, "Wink");
  scene.message(3, "where?", { sessionId: 99 });
  scene.pass();
  scene.expect(ack(3));
  scene.told();
});

test("a push is acknowledged after it was told and saved, once", () => {
  const scene = new Scene().talking();
  scene.on("message", () => scene.log.push("message"));
  scene.message(1, "one");
  scene.message(2, "two");
  assert.deepEqual(scene.log, ["message", "message"]);
  scene.pass();
  assert.deepEqual(scene.log, ["message", "message", "save", "PUSH_SIGNAL_RESP"]);
  assert.equal(JSON.parse(scene.saved.at(-1)).seq, 2);
  scene.expect(ack(2));
  scene.say("three");
  scene.skip().pass();
  scene.expect();
});

test("a typing notice has no number: there is nothing to save or to acknowledge", () => {
  const scene = new Scene().talking();
  scene.signal(undefined, "Typing", BOB, { typing: true });
  scene.pass();
  assert.deepEqual(scene.log, []);
});

test("a push that comes again is told once, and acknowledged again", () => {
  const scene = new Scene().talking();
  scene.message(1, "one");
  scene.message(2, "two");
  scene.pass();
  scene.skip();
  scene.message(1, "one");
  scene.pass();
  scene.expect(ack(2));
  scene.told();
});

test("a gap is asked for once, by coming back with the last number", () => {
  const scene = new Scene().talking();
  scene.message(1, "one");
  scene.message(3, "three");
  scene.told(message(1, "one"), "offline");
  scene.pass();
  scene.node.open();
  scene.expect(resume(1));
  scene.resumed();
  scene.message(2, "two");
  scene.message(3, "three");
  scene.told("connecting", "online", message(2, "two"), message(3, "three"));
});

test("what is missing still is missed, and the next gap is asked for again", () => {
  const scene = new Scene().talking();
  scene.message(2, "two");
  scene.pass();
  scene.node.open();
  scene.resumed();
  scene.skip().message(2, "two");
  scene.told(missed, message(2, "two"));
  scene.message(4, "four");
  scene.told("offline");
});

test("coming back tells the last number; what is repeated all the same is dropped", () => {
  const scene = new Scene().talking();
  scene.message(1, "one");
  scene.lost();
  scene.expect(resume(1));
  scene.resumed();
  scene.message(1, "one");
  scene.message(2, "two");
  scene.told(message(1, "one"), ...back, message(2, "two"));
});

test("what could not be recovered is missed, and any number may be the next", () => {
  const scene = new Scene().talking();
  for (const seq of [1, 2, 3]) scene.message(seq, "x");
  scene.skip().back({ recovered: false });
  scene.told(missed, "online");
  scene.message(2, "y");
  scene.message(3, "z");
  scene.told(message(2, "y"), message(3, "z"));
});

test("where numbers go on at the one that was told last, it is acknowledged", () => {
  const scene = new Scene().talking();
  for (const seq of [1, 2, 3]) scene.message(seq, "x");
  scene.back({ recovered: false });
  scene.pass();
  scene.skip().message(3, "y");
  scene.pass();
  scene.expect(ack(3));
});

test("who does not know the number tells none", () => {
  const scene = new Scene().talking();
  scene.back({ recovered: false });
  scene.lost();
  scene.expect(resume(null));
});

test("not recovered, the node's list of sessions is right", () => {
  const scene = new Scene().talking();
  const { requestId } = scene.say("hello");
  scene.lost();
  scene.skip().resumed({ recovered: false, sessions: [EVE] });
  scene.told(
    ["refused", { sessionId, requestId, code: 7 }],
    ["ended", { sessionId }],
    ["session", EVE],
    missed,
    "online",
  );
  scene.expect();
});

test("recovered, a session ends by its push only", () => {
  const scene = new Scene().talking();
  scene.back({ sessions: [] });
  scene.told("online");
  scene.signal(1, "PartnerExit");
  scene.told(["ended", { sessionId }]);
});

test("a session that was found by an answer that is lost is found on coming back, once", () => {
  const scene = new Scene().online();
  scene.chat.match();
  scene.lost();
  scene.skip().resumed({ sessions: [BOB] });
  scene.signal(1, "NewSession");
  scene.told(waiting(false), ["session", BOB], "online");
  scene.expect();
});

function queued() {
  const scene = new Scene().online();
  scene.chat.match();
  scene.node.says("MATCH_RESP", { code: 4 });
  return scene.skip();
}

test("who waits again on coming back does not ask", () => {
  const scene = queued();
  scene.back({ waiting: true });
  scene.expect();
  assert.equal(scene.chat.waiting, true);
});

test("who waits no more was paired on coming back, and does not ask", () => {
  const scene = queued();
  scene.back({ waiting: false });
  scene.expect();
  scene.signal(1, "NewSession");
  scene.told("online", waiting(false), ["session", BOB]);
});

test("not recovered, who does not wait asks again", () => {
  const scene = queued();
  scene.back({ recovered: false, waiting: false });
  scene.expect(MATCH);
});

test("not recovered, who waits does not ask", () => {
  const scene = queued();
  scene.back({ recovered: false, waiting: true });
  scene.expect();
});

test("a place that the lost answer gave is known on coming back", () => {
  const scene = new Scene().online();
  scene.chat.match();
  scene.back({ waiting: true });
  scene.expect();
});

test("a node of an older release says only who we are: sessions stay, and something may be missing", () => {
  const scene = new Scene().talking();
  scene.lost();
  scene.skip().node.says("RECONNECT_RESP", { code: 0 });
  scene.told(missed, "online");
  assert.deepEqual(scene.chat.sessions, [BOB]);
});

test("frames of a socket that was given up are nobody's, also answers", () => {
  const scene = new Scene().talking();
  const one = scene.say("one");
  const old = scene.node;
  scene.back();
  old.says("DIALOGUE_RESP", { code: 7, requestId: one.requestId });
  old.says("PUSH_DIALOGUE_REQ", { sessionId, msgId: 1, content: "x", seq: 1 });
  scene.told("online");
  scene.answer(one, 0, { msgId: 1 });
  scene.expect(again(one));
});
