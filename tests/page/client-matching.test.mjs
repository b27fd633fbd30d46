/** Looking for a partner, and looking no longer. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BOB, CANCEL, EVE, leave, MATCH, Scene, waiting } from "./scene.mjs";

const found = ["session", BOB];

function searching() {
  const scene = new Scene().online();
  scene.chat.match();
  return scene.skip();
}

function queued() {
  const scene = searching();
  scene.node.says("MATCH_RESP", { code: 4 });
  return scene.skip();
}

test("a partner who waits is found at once", () => {
  const scene = new Scene().online();
  scene.chat.match();
  scene.expect(MATCH);
  scene.node.says("MATCH_RESP", { code: 0, ...BOB });
  scene.told(waiting(true), waiting(false), found);
  assert.deepEqual(scene.chat.sessions, [BOB]);
});

test("with nobody there it waits, and asks no more until somebody is announced", () => {
  const scene = searching();
  scene.node.says("MATCH_RESP", { code: 4 });
  scene.chat.match();
  scene.pass(30000);
  scene.expect();
  scene.told();
  assert.equal(scene.chat.waiting, true);
  scene.signal(1, "NewSession");
  scene.told(waiting(false), found);
});

test("a session that is announced twice begins once", () => {
  const scene = queued();
  scene.signal(1, "NewSession");
  scene.signal(2, "NewSession");
  scene.node.says("MATCH_RESP", { code: 0, ...BOB });
  scene.told(waiting(false), found);
});

test("an answer that crosses the announcement is the same session", () => {
  const scene = searching();
  scene.signal(1, "NewSession");
  scene.node.says("MATCH_RESP", { code: 0, ...BOB });
  scene.told(waiting(false), found);
  scene.expect();
});

test("a place that is given after somebody was found is given up", () => {
  const scene = searching();
  scene.signal(1, "NewSession");
  scene.node.says("MATCH_RESP", { code: 4 });
  scene.expect(CANCEL);
});

test("an answer with a session that is known ends the search", () => {
  const scene = new Scene().talking();
  scene.chat.match();
  scene.node.says("MATCH_RESP", { code: 0, ...BOB });
  scene.told(waiting(true), waiting(false));
});

test("cancel gives up the place", () => {
  const scene = queued();
  scene.chat.cancel();
  scene.chat.cancel();
  scene.expect(CANCEL);
  scene.told(waiting(false));
  scene.node.says("MATCH_CANCEL_RESP", { code: 0 });
  scene.expect();
});

test("cancel without a search asks nothing", () => {
  const scene = new Scene().online();
  scene.chat.cancel();
  scene.expect();
  scene.told();
});

for (const [how, find] of [
  ["announced", (scene) => scene.signal(1, "NewSession")],
  ["the answer", (scene) => scene.node.says("MATCH_RESP", { code: 0, ...BOB })],
])
  test(`cancel that crosses a partner, who is ${how}, still gives a session`, () => {
    const scene = searching();
    scene.chat.cancel();
    find(scene);
    scene.node.says("MATCH_CANCEL_RESP", { code: 0 });
    scene.told(waiting(false), found);
    scene.expect(CANCEL);
  });

test("a search that begins while a cancellation is under way asks after it", () => {
  const scene = queued();
  scene.chat.cancel();
  scene.chat.match();
  scene.expect(CANCEL);
  scene.node.says("MATCH_CANCEL_RESP", { code: 0 });
  scene.expect(MATCH);
});

test("a place that was taken before the cancellation does not count for the search after it", () => {
  const scene = searching();
  scene.chat.cancel();
  scene.chat.match();
  scene.node.says("MATCH_RESP", { code: 4 });
  scene.expect(CANCEL);
  scene.node.says("MATCH_CANCEL_RESP", { code: 0 });
  scene.expect(MATCH);
  scene.node.says("MATCH_RESP", { code: 4 });
  scene.expect();
});

test("search, cancel and search again without a node is one cancellation and one search", () => {
  const scene = new Scene();
  scene.chat.match();
  scene.chat.cancel();
  scene.chat.match();
  scene.online();
  scene.node.says("MATCH_CANCEL_RESP", { code: 0 });
  scene.expect(MATCH);
});

test("one session too many: the search is over, and full", () => {
  const scene = searching();
  scene.node.says("MATCH_RESP", { code: 5 });
  scene.told(waiting(false), ["full", {}]);
  scene.expect();
});

test("full after a cancellation is nobody's business", () => {
  const scene = searching();
  scene.chat.cancel();
  scene.node.says("MATCH_RESP", { code: 5 });
  scene.told(waiting(false));
});

for (const fields of [{ code: 6, retryAfterMs: 700 }, { code: 2 }])
  test(`a search that a node cannot begin now (code ${fields.code}) is asked again later`, () => {
    const scene = searching();
    scene.node.says("MATCH_RESP", fields);
    scene.told();
    scene.pass(fields.retryAfterMs ?? 500);
    scene.expect(MATCH);
  });

test("a cancellation that a node cannot take now is repeated, and the search waits for it", () => {
  const scene = queued();
  scene.chat.cancel();
  scene.node.says("MATCH_CANCEL_RESP", { code: 6, retryAfterMs: 700 });
  scene.chat.match();
  scene.expect(CANCEL);
  scene.pass(700);
  scene.expect(CANCEL);
  scene.node.says("MATCH_CANCEL_RESP", { code: 0 });
  scene.expect(MATCH);
});

test("a search whose answer was lost is asked again", () => {
  const scene = searching();
  scene.back();
  scene.expect(MATCH);
});

test("a search waits for the session that is left, or it would find that one", () => {
  const scene = new Scene().talking();
  scene.node.lose();
  scene.chat.leave(BOB.sessionId);
  scene.chat.match();
  scene.pass(10000);
  scene.node.open();
  scene.skip();
  scene.resumed({ sessions: [BOB] });
  scene.expect(leave(BOB));
  scene.node.says("LEAVE_RESP", { code: 2 });
  scene.pass(500);
  scene.expect(leave(BOB));
  scene.node.says("LEAVE_RESP", { code: 0 });
  scene.expect(MATCH);
});

test("an answer with a session that is being left is no partner", () => {
  const scene = new Scene().talking();
  scene.chat.match();
  scene.chat.leave(BOB.sessionId);
  scene.skip();
  scene.node.says("MATCH_RESP", { code: 0, ...BOB });
  scene.told();
  scene.node.says("LEAVE_RESP", { code: 0 });
  scene.expect(MATCH);
});

test("an answer that nothing asked for is ignored", () => {
  const scene = new Scene().online();
  scene.node.says("MATCH_RESP", { code: 0, ...EVE });
  scene.node.says("MATCH_CANCEL_RESP", { code: 0 });
  scene.node.says("DANCE_RESP", { code: 0 });
  scene.told();
});
