/** One conversation as the page knows it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Talk } from "../../chat/web/talk.js";

const MOST_KEPT = 500;

const make = () => new Talk({ sessionId: 7, partnerId: 9, partnerName: "Ada" });
const reloaded = (talk) => new Talk(JSON.parse(JSON.stringify(talk)));

test("a message of ours goes from sending to sent to read", () => {
  const talk = make();
  const entry = talk.said("a", "hello", 1);
  assert.equal(talk.mark(entry), "sending");
  assert.equal(talk.settled("a", { msgId: 3 }), entry);
  assert.equal(talk.mark(entry), "sent");
  talk.readTo = 2;
  assert.equal(talk.mark(entry), "sent");
  talk.readTo = 3;
  assert.equal(talk.mark(entry), "read");
});

test("what is read is everything up to there, but not what is still on its way", () => {
  const talk = make();
  for (const id of ["a", "b", "c"]) talk.said(id, id, 1);
  talk.settled("a", { msgId: 1 });
  talk.settled("b", { msgId: 5 });
  talk.readTo = 5;
  assert.deepEqual(talk.entries.map((entry) => talk.mark(entry)), ["read", "read", "sending"]);
});

test("a message that was refused has failed, whatever is read", () => {
  const talk = make();
  const entry = talk.said("a", "hello", 1);
  talk.readTo = 100;
  talk.settled("a", { failed: true });
  assert.equal(talk.mark(entry), "failed");
});

test("what settles a message that is not kept changes nothing", () => {
  const talk = make();
  talk.said("a", "hello", 1);
  const before = JSON.stringify(talk);
  assert.equal(talk.settled("b", { msgId: 1 }), undefined);
  assert.equal(JSON.stringify(talk), before);
});

test("what was heard is counted, and ends the typing", () => {
  const talk = make();
  talk.typing = true;
  const entry = talk.heard(4, "hello", 1);
  assert.deepEqual(entry, { mine: false, text: "hello", at: 1, msgId: 4 });
  assert.equal(talk.lastHeard, 4);
  assert.equal(talk.typing, false);
});

test("a talk has begun with the first message of either, not with notes", () => {
  const talk = make();
  talk.noted("talking", 1);
  assert.equal(talk.begun, false);
  talk.heard(1, "hello", 2);
  assert.equal(talk.begun, true);
  const other = make();
  other.said("a", "hello", 1);
  assert.equal(other.begun, true);
});

test("no more than 500 entries are kept, the newest ones, and that some are gone is known", () => {
  const talk = make();
  for (let at = 1; at <= MOST_KEPT; at += 1) talk.heard(at, "x", at);
  assert.equal(talk.entries.length, MOST_KEPT);
  assert.equal(talk.older, false);
  talk.said("a", "y", MOST_KEPT + 1);
  talk.noted("away", MOST_KEPT + 2);
  assert.equal(talk.entries.length, MOST_KEPT);
  assert.equal(talk.older, true);
  assert.equal(talk.entries[0].at, 3);
  assert.equal(talk.entries.at(-1).note, "away");
});

test("half of it is forgotten at a time, the older half, down to nothing", () => {
  const talk = make();
  for (let at = 1; at <= 5; at += 1) talk.heard(at, "x", at);
  talk.forgetHalf();
  assert.deepEqual(talk.entries.map(({ at }) => at), [4, 5]);
  assert.equal(talk.older, true);
  talk.forgetHalf();
  talk.forgetHalf();
  talk.forgetHalf();
  assert.deepEqual(talk.entries, []);
});

test("after a reload it is the same talk, but that nobody types", () => {
  const talk = make();
  talk.noted("talking", 1);
  talk.heard(1, 'he said "\u202e\ud83d\ude00\n"', 2);
  talk.said("a", "hello", 3);
  talk.settled("a", { msgId: 2 });
  talk.said("b", "again", 4);
  Object.assign(talk, { readTo: 2, unread: 3, away: true, draft: "and", typing: true });
  const again = reloaded(talk);
  assert.equal(again.typing, false);
  talk.typing = false;
  assert.deepEqual({ ...again }, { ...talk });
  assert.deepEqual(again.entries.slice(2).map((entry) => again.mark(entry)), ["read", "sending"]);
  again.settled("b", { msgId: 3 });
  assert.equal(again.mark(again.entries.at(-1)), "sent");
});

test("two talks share nothing", () => {
  const [one, other] = [make(), make()];
  one.said("a", "hello", 1);
  assert.deepEqual(other.entries, []);
});
