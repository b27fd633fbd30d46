/** Three people and a node that loses sockets, pages and pushes at random: in the end all agree. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ChatClient } from "../../chat/web/client.js";
import { Clock, Net } from "./fake.mjs";
import { Model } from "./model.mjs";

const { FIRST = 1, SEEDS = 150 } = process.env; // others may be tried by hand

/** Luck that can be had again: mulberry32. */
function lucky(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Person {
  said = new Map(); // requestId → how often it was said to be sent or refused
  heard = new Map(); // sessionId → msgIds
  left = new Set(); // sessions that ended here
  read = new Map();
  missed = false;
  faults = [];
  saved = null;

  constructor(clock, random) {
    this.clock = clock;
    this.random = random;
    this.load();
  }

  load() {
    const net = new Net(this.clock);
    const save = (state) => {
      if (net === this.net) this.saved = JSON.parse(JSON.stringify(state)); // the page is still there
    };
    const outside = { ...net.options, random: this.random, save, saved: this.saved };
    const chat = new ChatClient("ws://node/ws", outside);
    this.net = net;
    this.chat = chat;
    const on = (type, act) => chat.addEventListener(type, ({ detail }) => chat === this.chat && act(detail));
    const settled = ({ requestId }) => this.said.set(requestId, this.said.get(requestId) + 1);
    on("sent", settled);
    on("refused", settled);
    on("session", ({ sessionId }) => {
      if (this.heard.has(sessionId) && !this.missed) this.faults.push(`session ${sessionId} began twice`);
      this.heard.set(sessionId, []);
    });
    on("message", ({ sessionId, msgId }) => this.heard.get(sessionId).push(msgId));
    on("ended", ({ sessionId }) => {
      if (this.left.has(sessionId) && !this.missed) this.faults.push(`session ${sessionId} ended twice`);
      this.left.add(sessionId);
      if (this.random() < 0.3) chat.match();
    });
    on("missed", () => {
      this.missed = true;
    });
    chat.connect("x");
  }

  act() {
    const { chat } = this;
    const [session] = chat.sessions.toSorted(() => this.random() - 0.5);
    const pick = this.random();
    if (pick < 0.2) return chat.match();
    if (pick < 0.28) return chat.cancel();
    if (!session) return undefined;
    const { sessionId } = session;
    if (pick < 0.36) return chat.leave(sessionId);
    const last = this.heard.get(sessionId).at(-1);
    if (pick < 0.55 && last) {
      this.read.set(sessionId, last);
      return chat.viewed(sessionId, last);
    }
    return this.said.set(chat.say(sessionId, "x"), 0);
  }
}

function trial(seed) {
  const random = lucky(seed);
  const chance = (p) => random() < p;
  const clock = new Clock();
  const model = new Model(chance);
  model.faults = chance(0.5) ? 0.1 : 0;
  const people = [1, 2, 3].map(() => new Person(clock, random));
  const any = (list) => list[Math.floor(random() * list.length)];

  /** What clients did with their sockets reaches the network. */
  const settle = () => {
    for (const { net } of people) {
      for (const wire of model.wires.values()) if (wire.socket.closed) model.cut(wire);
      const { socket } = net;
      if (!socket.ready && !socket.closed) model.connect(socket);
    }
    for (const { socket, up } of model.wires.values()) up.push(...socket.frames.splice(0));
  };
  const reload = (person) => {
    person.chat.flush();
    settle();
    const wire = model.wires.get(person.net.socket);
    if (wire) model.gone(wire);
    person.load();
  };
  const step = () => {
    const pick = random();
    const wire = any([...model.wires.values()]);
    if (pick < 0.3) any(people).act();
    else if (pick < 0.55) wire && model.up(wire);
    else if (pick < 0.85) wire && model.down(wire);
    else if (pick < 0.93) clock.pass(any([0, 0, 50, 3000]));
    else if (pick < 0.96) wire && model.cut(wire, any([1006, 1001, 4002]));
    else if (pick < 0.98) reload(any(people));
    else if (model.accounts.size) model.forget(any([...model.accounts.values()]));
    settle();
  };
  for (let n = 0; n < 400; n += 1) step();

  const sockets = () => people.map(({ net }) => net.sockets.length);
  model.faults = 0;
  let before;
  for (let n = 0; n < 130; n += 1) {
    if (n === 52) before = sockets(); // after the longest wait of all
    for (const wire of [...model.wires.values()]) while (model.up(wire) || model.down(wire)) settle();
    clock.pass(200);
    settle();
  }
  agreed(model, people);
  assert.deepEqual(sockets(), before, "a socket was dropped in peace");
}

/** Everything that was wanted is so, and is known to be. */
function agreed(model, people) {
  for (const person of people) {
    const { chat } = person;
    const mine = chat.sessions.map(({ sessionId }) => sessionId);
    assert.deepEqual(person.faults, []);
    assert.equal(chat.state, "online");
    assert.deepEqual(mine.toSorted(), model.open(chat.account).toSorted(), "sessions");
    assert.equal(model.queue.includes(chat.account.accountId), chat.waiting, "waiting");
    assert.ok([...person.said.values()].every((times) => times === 1), "sent or refused once");
    assert.deepEqual(model.accounts.get(chat.account.accountId).inbox, [], "all is acknowledged");
    for (const [sessionId, ids] of person.heard) {
      assert.ok(ids.every((id, n) => n === 0 || id > ids[n - 1]), "messages come in order and once");
      const { log, viewed, open } = model.sessions.get(sessionId);
      assert.equal(new Set(log.map(({ key }) => key)).size, log.length, "no message is recorded twice");
      const all = log.filter(({ to }) => to === chat.account.accountId).map(({ msgId }) => msgId);
      if (!person.left.has(sessionId) && !person.missed) assert.deepEqual(ids, all, "every message comes");
      const read = open && person.read.get(sessionId);
      if (read) assert.equal(viewed[chat.account.accountId], read, "reading is told");
    }
  }
}

for (let n = 0; n < Number(SEEDS); n += 1) {
  const seed = Number(FIRST) + n;
  test(`in the end all agree, seed ${seed}`, () => trial(seed));
}
