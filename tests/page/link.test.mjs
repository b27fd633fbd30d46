/** One socket after the other: when a link takes a new one, and what it lets through. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { linked, online } from "./linked.mjs";

/** After how many ms there is another socket. */
function waited({ net, clock }) {
  const before = net.sockets.length;
  for (let ms = 0; ms <= 20000; ms += 1) {
    if (net.sockets.length > before) return ms;
    clock.pass(1);
  }
  return null;
}

test("a link connects, and is online when its socket has its account", () => {
  const { net, told, link, bind } = linked();
  assert.equal(net.socket.url, "ws://node/ws");
  assert.equal(link.bound, false);
  bind();
  assert.deepEqual(told, ["connecting", "opened", "online"]);
  assert.deepEqual([link.bound, link.state], [true, "online"]);
});

test("starting twice is starting once, also while it waits for the next try", () => {
  const { net, link } = linked();
  link.start();
  assert.equal(net.sockets.length, 1);
  net.socket.lose();
  link.start();
  assert.equal(net.sockets.length, 1);
});

for (const [code, state] of [[4001, "replaced"], [4003, "banned"]])
  test(`close code ${code} is final: ${state}, until somebody starts again`, () => {
    const scene = online();
    scene.net.socket.lose(code);
    assert.deepEqual(scene.told, [state]);
    assert.equal(waited(scene), null);
    scene.link.wake();
    assert.equal(scene.net.sockets.length, 1);
    scene.link.start();
    assert.equal(scene.net.sockets.length, 2);
  });

test("close code 1001 comes back at once, but only once in a row", () => {
  const scene = online();
  scene.net.luck = 0.999;
  scene.net.socket.lose(1001);
  assert.equal(waited(scene), 1);
  scene.net.socket.lose(1001);
  assert.ok(waited(scene) > 1500);
});

for (const code of [1000, 1006, 1008, 1009, 1011, 4002, 4004])
  test(`close code ${code} comes back after full jitter`, () => {
    const scene = online();
    scene.net.luck = 0.25;
    scene.net.socket.lose(code);
    assert.equal(waited(scene), 250);
  });

test("the longest wait doubles up to 10 s", () => {
  const scene = linked();
  scene.net.luck = 1;
  const waits = [1, 2, 3, 4, 5, 6].map(() => {
    scene.net.socket.lose();
    return waited(scene);
  });
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 10000, 10000]);
});

test("a wait is anything from nothing to the longest", () => {
  const scene = linked();
  scene.net.luck = 0;
  scene.net.socket.lose();
  scene.clock.pass(0);
  assert.equal(scene.net.sockets.length, 2);
});

test("after a socket that lasted, waits are short again; after one that did not, they go on", () => {
  const scene = linked();
  scene.net.luck = 1;
  const live = (ms) => {
    scene.bind();
    scene.clock.pass(ms);
    scene.net.socket.lose();
    return waited(scene);
  };
  assert.deepEqual([live(9000), live(9000), live(11000), live(0)], [1000, 2000, 1000, 2000]);
});

test("a frame that is no JSON, no object or has no command is ignored", () => {
  const { net, told } = online();
  for (const data of ["", "{", "null", "1", '"cmd"', "[]", "{}", '{"cmd":1}', '{"cmd":null}'])
    net.socket.raw(data);
  assert.deepEqual(told, []);
  net.expect();
});

test("whatever an abandoned socket says concerns nobody", () => {
  const { net, link, clock, told } = online();
  link.drop(0);
  clock.pass(0);
  const [old] = net.sockets;
  told.length = 0;
  old.open();
  old.says("PING_REQ", { accountId: 1 });
  old.says("MATCH_RESP", { code: 0 });
  old.lose(4001);
  assert.deepEqual(told, []);
  net.expect();
  assert.equal(net.sockets.length, 2);
});

test("there is one request of a kind at a time", () => {
  const { net, link } = online();
  link.ask("LEAVE", { sessionId: 1 });
  link.ask("LEAVE", { sessionId: 2 });
  net.expect({ cmd: "LEAVE_REQ", sessionId: 1 });
  assert.deepEqual(link.answered("LEAVE", { code: 7 }), { sessionId: 1 });
  assert.equal(link.answered("LEAVE", { code: 0 }), undefined);
});

for (const [code, retryAfterMs, ms] of [[6, 700, 700], [2, undefined, 500]])
  test(`code ${code} is no answer: the request may be repeated after ${ms} ms`, () => {
    const { net, link, clock, told } = online();
    link.ask("MATCH", {});
    assert.equal(link.answered("MATCH", { code, retryAfterMs }), undefined);
    link.ask("MATCH", {});
    clock.pass(ms - 1);
    link.ask("MATCH", {});
    assert.deepEqual(told, []);
    clock.pass(1);
    assert.deepEqual(told, ["work"]);
    link.ask("MATCH", {});
    net.expect({ cmd: "MATCH_REQ" }, { cmd: "MATCH_REQ" });
  });

test("an end is the end: no timer runs on", () => {
  const { net, link, clock, told } = online();
  link.ask("MATCH", {});
  link.answered("MATCH", { code: 6, retryAfterMs: 1 });
  link.end("closed", 1000);
  clock.pass(100000);
  assert.deepEqual(told, ["closed"]);
  assert.deepEqual(net.sockets.map(({ closed }) => closed), [[1000]]);
});
