/** An account: how it begins, and how it ends. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { again, BOB, CANCEL, EVE, MATCH, ME, resume, Scene, waiting } from "./scene.mjs";

const NEW = { code: 0, accountId: 1000, token: "secret", nickName: "Ada" };
const GONE = { code: 4 };

test("connecting makes an account of that name, and only then is anything asked", () => {
  const scene = new Scene();
  assert.equal(scene.chat.account, null);
  scene.chat.connect("Ada");
  scene.chat.match();
  scene.node.open();
  scene.expect({ cmd: "CRT_ACCOUNT_REQ", nickName: "Ada" });
  scene.node.says("CRT_ACCOUNT_RESP", NEW);
  scene.expect(MATCH);
  scene.told("connecting", waiting(true), ["account", { ...ME, nickName: "Ada" }], "online");
  assert.deepEqual(scene.chat.account, { ...ME, nickName: "Ada" });
});

test("without a name the node chooses one", () => {
  const scene = new Scene();
  scene.chat.connect();
  scene.node.open();
  scene.expect({ cmd: "CRT_ACCOUNT_REQ", nickName: "" });
  scene.node.says("CRT_ACCOUNT_RESP", { ...NEW, nickName: "Calm Otter" });
  assert.equal(scene.chat.account.nickName, "Calm Otter");
});

test("the token is saved, and told to nobody", () => {
  const scene = new Scene().online();
  assert.equal(JSON.parse(scene.saved.at(-1)).account.token, "secret");
  assert.equal(scene.chat.account.token, undefined);
});

test("an account is asked for again where the answer was lost", () => {
  const scene = new Scene();
  scene.chat.connect("Ada");
  scene.node.open();
  scene.lost();
  scene.expect(...Array(2).fill({ cmd: "CRT_ACCOUNT_REQ", nickName: "Ada" }));
});

test("a node that refuses an account says how long to wait", () => {
  const scene = new Scene();
  scene.chat.connect("Ada");
  scene.node.open();
  scene.node.says("CRT_ACCOUNT_RESP", { code: 6, retryAfterMs: 30000 });
  scene.told("connecting", "busy");
  scene.pass(29999);
  assert.equal(scene.net.sockets.length, 1);
  scene.pass(1);
  assert.equal(scene.net.sockets.length, 2);
});

test("coming back the account is resumed, on a node that cannot just yet as well", () => {
  const scene = new Scene().online();
  scene.lost();
  scene.expect(resume(0));
  scene.node.says("RECONNECT_RESP", { code: 2 });
  scene.pass(10000);
  scene.node.open();
  scene.expect(resume(0));
  scene.resumed();
  scene.told("offline", "connecting", "offline", "connecting", "online");
});

test("close says goodbye with 1000: everything ends, and nothing is left to go on with", () => {
  const scene = new Scene().talking(EVE);
  const { requestId } = scene.say("hello");
  scene.chat.match();
  scene.skip();
  scene.chat.close();
  assert.deepEqual(scene.node.closed, [1000]);
  scene.told(
    waiting(false),
    "closed",
    ["refused", { sessionId: BOB.sessionId, requestId, code: 7 }],
    ["ended", { sessionId: BOB.sessionId }],
    ["ended", { sessionId: EVE.sessionId }],
  );
  assert.equal(scene.chat.account, null);
  assert.deepEqual(scene.chat.sessions, []);
  assert.equal(JSON.parse(scene.saved.at(-1)).account, null);
  scene.pass(100000);
  assert.equal(scene.net.sockets.length, 1);
});

test("after a goodbye connecting makes a new account, which knows nothing of the old one", () => {
  const scene = new Scene().talking();
  scene.message(1, "hello");
  scene.chat.leave(BOB.sessionId);
  scene.chat.match();
  scene.chat.cancel();
  scene.chat.close();
  scene.skip().chat.connect("Eve");
  scene.node.open();
  scene.node.says("CRT_ACCOUNT_RESP", { ...NEW, accountId: 5 });
  scene.expect({ cmd: "CRT_ACCOUNT_REQ", nickName: "Eve" });
  scene.signal(1, "NewSession", EVE);
  assert.deepEqual(scene.chat.sessions, [EVE]);
});

test("closing while offline ends the tries", () => {
  const scene = new Scene().online();
  scene.node.lose();
  scene.chat.close();
  scene.told("offline", "closed");
  scene.pass(100000);
  assert.equal(scene.net.sockets.length, 1);
});

test("an account that is gone ends everything, and says so first", () => {
  const scene = new Scene().talking();
  const { requestId } = scene.say("hello");
  scene.chat.match();
  scene.lost();
  scene.skip();
  scene.node.says("RECONNECT_RESP", GONE);
  scene.told(
    waiting(false),
    "gone",
    ["refused", { sessionId: BOB.sessionId, requestId, code: 7 }],
    ["ended", { sessionId: BOB.sessionId }],
  );
  assert.deepEqual([scene.chat.account, scene.chat.state], [null, "gone"]);
  assert.equal(JSON.parse(scene.saved.at(-1)).account, null);
  scene.pass(100000);
  assert.equal(scene.net.sockets.length, 2);
});

test("after an account is gone connecting makes a new one, numbered from 1", () => {
  const scene = new Scene().talking();
  scene.message(1, "hello");
  scene.lost();
  scene.node.says("RECONNECT_RESP", GONE);
  scene.skip().chat.connect("Ada");
  scene.node.open();
  scene.expect({ cmd: "CRT_ACCOUNT_REQ", nickName: "Ada" });
  scene.node.says("CRT_ACCOUNT_RESP", { ...NEW, accountId: 5 });
  scene.signal(1, "NewSession", EVE);
  scene.pass();
  assert.deepEqual(scene.chat.sessions, [EVE]);
  scene.expect({ cmd: "PUSH_SIGNAL_RESP", seq: 1 });
});

test("what was replaced comes back only when asked to, with all that it wanted", () => {
  const scene = new Scene().talking();
  const said = scene.say("hello");
  scene.node.lose(4001);
  scene.told("replaced");
  scene.pass(100000);
  scene.skip().chat.connect();
  scene.node.open();
  scene.resumed();
  scene.expect(resume(0), again(said));
});

test("a cancellation outlives a loss, and is asked before the next search", () => {
  const scene = new Scene().online();
  scene.chat.match();
  scene.node.says("MATCH_RESP", { code: 4 });
  scene.node.lose();
  scene.chat.cancel();
  scene.chat.match();
  scene.pass(10000);
  scene.node.open();
  scene.skip();
  scene.resumed({ waiting: true });
  scene.expect(CANCEL);
  scene.node.says("MATCH_CANCEL_RESP", { code: 0 });
  scene.expect(MATCH);
});
