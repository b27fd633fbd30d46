/** What one says, has read, writes and leaves, over as many sockets as it takes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { fits } from "../../chat/web/client.js";
import { again, BOB, EVE, leave, ME, Scene, viewed } from "./scene.mjs";

const sent = ({ requestId, sessionId }, msgId) => ["sent", { sessionId, requestId, msgId }];
const refused = ({ requestId, sessionId }, code) => ["refused", { sessionId, requestId, code }];
const ended = ({ sessionId }) => ["ended", { sessionId }];

test("a message that a node has recorded is sent", () => {
  const scene = new Scene().talking();
  const one = scene.say("hello");
  scene.expect(one);
  scene.answer(one, 0, { msgId: 1 });
  scene.answer(one, 0, { msgId: 1 });
  scene.told(sent(one, 1));
});

test("in a session one message waits for the one before it; another session does not", () => {
  const scene = new Scene().talking(EVE);
  const [one, two, other] = [scene.say("one"), scene.say("two"), scene.say("other", EVE)];
  scene.expect(one, other);
  scene.answer(other, 0, { msgId: 1 });
  scene.expect();
  scene.answer(one, 0, { msgId: 1 });
  scene.expect(two);
  scene.told(sent(other, 1), sent(one, 1));
});

test("what was on its way when the socket was lost is repeated as such, and nothing else is", () => {
  const scene = new Scene().talking(EVE);
  const [one, two, other] = [scene.say("one"), scene.say("two"), scene.say("other", EVE)];
  scene.answer(other, 0, { msgId: 1 });
  scene.back();
  scene.expect(again(one));
  scene.answer(one, 0, { msgId: 1 });
  scene.expect(two);
  scene.answer(two, 0, { msgId: 2 });
  scene.back();
  scene.expect();
});

test("what is said while offline is sent once, for the first time", () => {
  const scene = new Scene().talking();
  scene.node.lose();
  const one = scene.say("one");
  scene.pass(10000);
  scene.node.open();
  scene.skip();
  scene.resumed();
  scene.expect(one);
});

test("a message stays repeated through loss after loss, even where one came before it had its turn", () => {
  const scene = new Scene().talking();
  const one = scene.say("one");
  scene.lost();
  scene.back();
  scene.expect(again(one));
  scene.back();
  scene.expect(again(one));
});

test("after code 2 a message is repeated as such: nobody knows whether it was taken", () => {
  const scene = new Scene().talking();
  const [one, two] = [scene.say("one"), scene.say("two")];
  scene.answer(one, 2);
  scene.expect(one);
  scene.pass(499);
  scene.expect();
  scene.pass(1);
  scene.expect(again(one));
  scene.answer(one, 0, { msgId: 1 });
  scene.expect(two);
  scene.told(sent(one, 1));
});

test("code 6 waits as long as it says, and the message is still new then", () => {
  const scene = new Scene().talking();
  const [one] = [scene.say("one"), scene.say("two")];
  scene.answer(one, 6, { retryAfterMs: 700 });
  scene.expect(one);
  scene.pass(699);
  scene.expect();
  scene.pass(1);
  scene.expect(one);
  scene.told();
});

test("code 6 holds on the next socket as well", () => {
  const scene = new Scene().talking();
  const one = scene.say("one");
  scene.answer(one, 6, { retryAfterMs: 15000 });
  scene.back();
  scene.expect();
  scene.pass(5000);
  scene.expect(one);
});

for (const code of [7, 4])
  test(`code ${code} ends the session, and refuses all that was to be said in it`, () => {
    const scene = new Scene().talking(EVE);
    const [one, two, other] = [scene.say("one"), scene.say("two"), scene.say("other", EVE)];
    scene.answer(one, code);
    scene.told(refused(one, code), refused(two, 7), ended(BOB));
    scene.signal(1, "PartnerExit");
    scene.told();
    scene.expect(one, other);
    assert.deepEqual(scene.chat.sessions, [EVE]);
  });

test("another code refuses one message, and the next has its turn", () => {
  const scene = new Scene().talking();
  const [one, two] = [scene.say("one"), scene.say("two")];
  scene.answer(one, 1);
  scene.told(refused(one, 1));
  scene.expect(one, two);
});

test("the answer to a message of a session that has ended is an answer: the socket stays", () => {
  const scene = new Scene().talking();
  const one = scene.say("one");
  scene.signal(1, "PartnerExit");
  scene.told(refused(one, 7), ended(BOB));
  scene.answer(one, 7);
  scene.pass(30000);
  scene.told();
});

test("what fits is neither empty nor longer than a node takes", () => {
  const astral = "😀";
  for (const content of ["x", " ", "x".repeat(2000), astral.repeat(2000), "\u0001".repeat(1663)])
    assert.equal(fits(content), true);
  for (const content of ["", "x".repeat(2001), astral.repeat(2001), "\u0001".repeat(1664), "\u0001".repeat(2000)])
    assert.equal(fits(content), false);
});

test("what fits makes a frame below 10 KiB, whatever the numbers are", () => {
  const scene = new Scene();
  const session = { ...BOB, sessionId: Number.MAX_SAFE_INTEGER };
  scene.talking(session);
  const frame = again({ ...scene.say("\u0001".repeat(1663), session), senderId: session.sessionId });
  assert.ok(new TextEncoder().encode(JSON.stringify(frame)).length < 10240);
});

test("what does not fit, or has no open session, is not taken", () => {
  const scene = new Scene().talking();
  const { sessionId } = BOB;
  for (const content of ["", "x".repeat(2001), "\u0001".repeat(2000)])
    assert.throws(() => scene.chat.say(sessionId, content), RangeError);
  assert.throws(() => scene.chat.say(99, "x"), RangeError);
  scene.chat.leave(sessionId);
  assert.throws(() => scene.chat.say(sessionId, "x"), RangeError);
});

test("200 messages may be unanswered", () => {
  const scene = new Scene().talking();
  const [first] = Array.from({ length: 200 }, (_, n) => scene.say(`${n}`));
  assert.throws(() => scene.say("one more"), RangeError);
  scene.answer(first, 0, { msgId: 1 });
  scene.say("one more");
});

test("reading is told for larger numbers only, and the last one in the end", () => {
  const scene = new Scene().talking();
  for (const msgId of [3, 2, 3, 4, 5]) scene.chat.viewed(BOB.sessionId, msgId);
  scene.expect(viewed(3));
  scene.node.says("VIEWED_ACK_RESP", { code: 0 });
  scene.expect(viewed(5));
  scene.node.says("VIEWED_ACK_RESP", { code: 0 });
  scene.chat.viewed(99, 1);
  scene.expect();
});

test("reading is told again until it is answered", () => {
  const scene = new Scene().talking(EVE);
  scene.chat.viewed(BOB.sessionId, 3);
  scene.chat.viewed(EVE.sessionId, 4);
  scene.back();
  scene.expect(viewed(3));
  scene.node.says("VIEWED_ACK_RESP", { code: 2 });
  scene.pass(500);
  scene.expect(viewed(3));
  scene.node.says("VIEWED_ACK_RESP", { code: 0 });
  scene.expect(viewed(4, EVE));
  scene.node.says("VIEWED_ACK_RESP", { code: 7 });
  scene.back();
  scene.expect();
});

test("reading is not told of a session that has ended", () => {
  const scene = new Scene().talking();
  scene.node.lose();
  scene.chat.viewed(BOB.sessionId, 3);
  scene.pass(10000);
  scene.node.open();
  scene.skip().resumed({ recovered: false, sessions: [] });
  scene.expect();
});

test("writing is told now or never", () => {
  const scene = new Scene().talking();
  scene.chat.typing(BOB.sessionId, true);
  scene.expect({ cmd: "TYPING_REQ", ...ME, sessionId: BOB.sessionId, typing: true });
  scene.node.says("TYPING_RESP", { code: 6, retryAfterMs: 1 });
  scene.node.lose();
  scene.chat.typing(BOB.sessionId, false);
  scene.back();
  scene.expect();
});

test("leaving ends the session at once and once, and is told until it is answered", () => {
  const scene = new Scene().talking();
  const one = scene.say("one");
  scene.skip().chat.leave(BOB.sessionId);
  scene.chat.leave(BOB.sessionId);
  scene.told(refused(one, 7), ended(BOB));
  scene.expect(leave(BOB));
  scene.back({ sessions: [BOB] });
  scene.signal(1, "NewSession");
  scene.message(2, "still here?");
  scene.expect(leave(BOB));
  scene.node.says("LEAVE_RESP", { code: 7 });
  scene.told("online");
  scene.pass();
  scene.back({ sessions: [] });
  scene.expect();
});

test("sessions are left one after the other, also those that were left offline", () => {
  const scene = new Scene().talking(EVE);
  scene.node.lose();
  for (const { sessionId } of [BOB, EVE]) scene.chat.leave(sessionId);
  scene.pass(10000);
  scene.node.open();
  scene.skip();
  scene.resumed({ sessions: [BOB, EVE] });
  scene.expect(leave(BOB));
  scene.node.says("LEAVE_RESP", { code: 6, retryAfterMs: 5 });
  scene.pass(5);
  scene.expect(leave(BOB));
  scene.node.says("LEAVE_RESP", { code: 0 });
  scene.expect(leave(EVE));
});
