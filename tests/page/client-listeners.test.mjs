/** Listeners may call anything at any time, above all what ends things. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BOB, EVE, leave, MATCH, ME, Scene, waiting } from "./scene.mjs";

const FAY = { sessionId: 9, partnerId: 4000, partnerName: "Fay" };
const GUS = { sessionId: 10, partnerId: 5000, partnerName: "Gus" };
const { sessionId } = BOB;
const NEW = { code: 0, ...ME, token: "secret", nickName: "Ada" };

const newAccount = ({ chat, net }) => {
  chat.connect("Ada");
  net.socket.open();
  net.socket.says("CRT_ACCOUNT_RESP", NEW);
};
const secondGap = (scene) => {
  scene.signal(2, "NewSession", EVE);
  scene.pass();
  scene.node.open();
  scene.resumed();
  scene.signal(2, "NewSession", EVE);
};

for (const [type, when, begin, happens] of [
  ["connection", "connecting", "fresh", ({ chat }) => chat.connect("Ada")],
  ["account", "it is new", "fresh", newAccount],
  ["waiting", "a search begins", "online", ({ chat }) => chat.match()],
  ["session", "it is announced", "online", (scene) => scene.signal(1, "NewSession")],
  ["message", "it comes", "talking", (scene) => scene.message(1, "x")],
  ["viewed", "it is pushed", "talking", (scene) => scene.push(1, "VIEWED_ACK", { sessionId, msgId: 1 })],
  ["away", "it is pushed", "talking", (scene) => scene.signal(1, "PartnerAway")],
  ["sent", "it is answered", "talking", (scene) => scene.answer(scene.say("x"), 0, { msgId: 1 })],
  ["refused", "the partner has left", "talking", (scene) => scene.answer(scene.say("x"), 7)],
  ["ended", "a session is left", "talking", ({ chat }) => chat.leave(sessionId)],
  ["ended", "nothing was recovered", "talking", (scene) => scene.back({ recovered: false, sessions: [] })],
  ["session", "it comes back to several", "talking", (scene) => scene.back({ sessions: [FAY, GUS] })],
  ["missed", "nothing was recovered", "talking", (scene) => scene.back({ recovered: false })],
  ["missed", "a gap stays", "talking", secondGap],
])
  test(`after a goodbye in a listener of "${type}", when ${when}, nothing of the account is told or kept`, () => {
    const scene = new Scene();
    if (begin === "online") scene.online();
    if (begin === "talking") scene.talking(EVE);
    scene.on(type, () => scene.chat.close());
    happens(scene);
    scene.pass(100000);
    assert.deepEqual([scene.chat.state, scene.chat.account, scene.chat.sessions], ["closed", null, []]);
    const after = scene.events.slice(scene.events.lastIndexOf("closed") + 1);
    assert.deepEqual(after.filter(([told]) => told !== "ended" && told !== "refused"), []);
    assert.deepEqual(scene.node.closed, [1000]);
    const { account, seq, sessions } = JSON.parse(scene.saved.at(-1));
    assert.deepEqual([account, seq, sessions], [null, 0, []]);
  });

for (const code of [1006, 4001])
  test(`a goodbye when told of a loss (${code}) is one`, () => {
    const scene = new Scene().online();
    scene.on("connection", ({ state }) => state !== "closed" && scene.chat.close());
    scene.node.lose(code);
    scene.pass(100000);
    assert.deepEqual([scene.chat.state, scene.net.sockets.length], ["closed", 1]);
  });

test("connecting when told that it connects makes one socket", () => {
  const scene = new Scene();
  scene.on("connection", () => scene.chat.connect("Ada"));
  scene.chat.connect("Ada");
  assert.equal(scene.net.sockets.length, 1);
});

for (const [how, find] of [
  ["by an answer", (scene) => scene.node.says("MATCH_RESP", { code: 0, ...BOB })],
  ["by a push", (scene) => scene.signal(1, "NewSession")],
])
  test(`a goodbye when the search ends ${how} gives no session`, () => {
    const scene = new Scene().online();
    scene.chat.match();
    scene.skip().on("waiting", () => scene.chat.close());
    find(scene);
    assert.deepEqual(scene.chat.sessions, []);
    assert.ok(scene.events.every(([type]) => type !== "session"));
  });

test("a goodbye and a new start in one listener go to a new socket", () => {
  const scene = new Scene().online();
  scene.on("session", () => {
    scene.chat.close();
    scene.chat.connect("Eve");
  });
  scene.back({ sessions: [BOB, EVE] });
  assert.equal(scene.chat.state, "connecting");
  assert.deepEqual(scene.chat.sessions, []);
  scene.skip().node.open();
  scene.expect({ cmd: "CRT_ACCOUNT_REQ", nickName: "Eve" });
});

test("a search from an ended listener begins after the session is left", () => {
  const scene = new Scene().talking();
  scene.on("ended", () => scene.chat.match());
  scene.chat.leave(sessionId);
  scene.expect(leave(BOB));
  scene.node.says("LEAVE_RESP", { code: 0 });
  scene.expect(MATCH);
});

test("a search from an ended listener begins at once where the partner has left", () => {
  const scene = new Scene().talking();
  scene.on("ended", () => scene.chat.match());
  scene.signal(1, "PartnerExit");
  scene.expect(MATCH);
});

test("a search from a session listener looks for one more", () => {
  const scene = new Scene().online();
  scene.chat.match();
  scene.skip().on("session", () => scene.chat.match());
  scene.node.says("MATCH_RESP", { code: 0, ...BOB });
  scene.told(waiting(false), ["session", BOB], waiting(true));
  scene.expect(MATCH);
});

test("who is told that the account is gone may begin anew at once", () => {
  const scene = new Scene().talking();
  scene.chat.match();
  scene.on("connection", ({ state }) => {
    if (state !== "gone") return;
    scene.chat.connect("Ada");
    scene.chat.match();
  });
  scene.lost();
  scene.skip().node.says("RECONNECT_RESP", { code: 4 });
  assert.deepEqual([scene.chat.state, scene.chat.waiting], ["connecting", true]);
  scene.node.open();
  scene.node.says("CRT_ACCOUNT_RESP", { ...NEW, accountId: 5 });
  scene.expect({ cmd: "CRT_ACCOUNT_REQ", nickName: "Ada" }, { ...MATCH, accountId: 5 });
});

test("the search that an ended listener begins outlives the account that is gone", () => {
  const scene = new Scene().talking();
  scene.on("ended", () => scene.chat.match());
  scene.lost();
  scene.node.says("RECONNECT_RESP", { code: 4 });
  assert.equal(scene.chat.waiting, true);
  scene.chat.connect("Ada");
  scene.node.open();
  scene.skip().node.says("CRT_ACCOUNT_RESP", NEW);
  scene.expect(MATCH);
});

test("leaving from the session listener is leaving", () => {
  const scene = new Scene().online();
  scene.on("session", () => scene.chat.leave(sessionId));
  scene.back({ sessions: [BOB] });
  scene.expect(leave(BOB));
  scene.told(["session", BOB], ["ended", { sessionId }], "online");
});

test("an answer from the message listener is sent once", () => {
  const scene = new Scene().talking();
  const said = [];
  scene.on("message", ({ content }) => said.push(scene.say(`you said ${content}`)));
  scene.message(1, "x");
  scene.message(1, "x");
  scene.expect(...said);
  assert.equal(said.length, 1);
});
