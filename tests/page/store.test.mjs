/** What outlives a reload, in storages that are short, broken or not there. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Store } from "../../chat/web/store.js";

/** A storage with room for so many characters. */
class Room {
  kept = new Map();
  tries = 0;

  constructor(size, error = "QuotaExceededError") {
    this.size = size;
    this.error = error;
  }

  getItem(key) {
    return this.kept.get(key) ?? null;
  }

  setItem(key, value) {
    this.tries += 1;
    if (value.length > this.size) throw new DOMException("no room", this.error);
    this.kept.set(key, value);
  }
}

const refusing = () => {
  throw new DOMException("not allowed", "SecurityError");
};
const never = () => assert.fail("nothing is to be forgotten");
const holding = (text) => new Store(() => ({ getItem: () => text }));

test("what is written is read again", () => {
  const room = new Room(1000);
  new Store(() => room).write({ talks: [{ text: "\u202e😀" }] }, never);
  assert.deepEqual(new Store(() => room).read(), { talks: [{ text: "\u202e😀" }] });
});

test("where nothing was written there is nothing", () => {
  assert.deepEqual(new Store(() => new Room(1000)).read(), {});
});

test("what is no JSON, or no object, is as good as nothing", () => {
  for (const text of ["", "{", "undefined", "null", "5", "true", "[]", "[object Object]"])
    assert.deepEqual(holding(text).read(), {}, text);
});

test("where there is too little room, less is written", () => {
  for (const error of ["QuotaExceededError", "NS_ERROR_DOM_QUOTA_REACHED"]) {
    const room = new Room(100, error);
    const state = { text: "x".repeat(300) };
    new Store(() => room).write(state, () => {
      state.text = state.text.slice(150);
      return true;
    });
    assert.deepEqual(new Store(() => room).read(), { text: "" });
    assert.equal(room.tries, 3);
  }
});

test("where less does not help it gives up, and what was kept before is still there", () => {
  const room = new Room(100);
  const store = new Store(() => room);
  store.write({ old: 1 }, never);
  let asked = 0;
  store.write({ text: "x".repeat(300) }, () => Boolean((asked += 1)));
  assert.ok(asked > 1 && asked <= 8, String(asked));
  assert.deepEqual(store.read(), { old: 1 });
});

test("it gives up as soon as there is nothing left to forget", () => {
  const room = new Room(0);
  let asked = 0;
  new Store(() => room).write({}, () => {
    asked += 1;
    return false;
  });
  assert.equal(asked, 1);
  assert.equal(room.tries, 1);
});

test("a browser without storage loses what outlives a reload, and nothing else", () => {
  const full = () => ({ getItem: refusing, setItem: refusing });
  for (const storage of [refusing, full, () => null, () => undefined]) {
    const store = new Store(storage);
    assert.deepEqual(store.read(), {});
    store.write({ talks: [] }, never);
  }
});
