/** A dead network says nothing: how a link finds out, and when it does. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { linked, online } from "./linked.mjs";

const PING = { cmd: "PING_REQ", accountId: 1 };

test("a socket that connects for 10 s is replaced", () => {
  const { net, clock } = linked();
  const [first] = net.sockets;
  clock.pass(10000);
  assert.equal(first.closed, null);
  clock.pass(2000);
  assert.deepEqual(first.closed, []);
  clock.pass(1000);
  assert.equal(net.sockets.length, 2);
});

test("a node that does not answer who we are is given 10 s as well", () => {
  const { net, clock, link } = linked();
  net.socket.open();
  link.ask("RECONNECT", {});
  clock.pass(12000);
  assert.deepEqual(net.sockets[0].closed, []);
});

test("a request without an answer for 10 s ends its socket, which is told of it", () => {
  const { net, told, clock, link } = online();
  clock.pass(30000);
  link.ask("MATCH", {});
  clock.pass(10000);
  assert.deepEqual(told, []);
  clock.pass(2000);
  assert.deepEqual(told, [["MATCH"], "offline"]);
  assert.deepEqual(net.sockets[0].closed, []);
  clock.pass(1000);
  assert.equal(net.sockets.length, 2);
});

test("a socket with nothing to answer is left alone", () => {
  const { net, clock, link, told } = online();
  link.ask("MATCH", {});
  assert.deepEqual(link.answered("MATCH", { code: 0 }), {});
  clock.pass(38000);
  net.expect({ cmd: "MATCH_REQ" });
  assert.deepEqual(told, []);
});

test("after 40 s of silence it asks, and goes without an answer in another 10 s", () => {
  const { net, clock, told } = online();
  clock.pass(40000);
  net.expect();
  clock.pass(2000);
  net.expect(PING);
  clock.pass(9999);
  assert.deepEqual(told, []);
  clock.pass(1);
  assert.deepEqual(told, ["offline", "connecting"]);
  assert.equal(net.sockets.length, 2);
});

test("any frame answers that question", () => {
  const { net, clock, told } = online();
  clock.pass(42000);
  net.socket.says("PING_RESP", { accountId: 1 });
  clock.pass(38000);
  net.expect(PING);
  assert.deepEqual(told, ["PING_RESP"]);
});

test("waking up retries at once", () => {
  const { net, link, clock } = online();
  net.luck = 1;
  net.socket.lose();
  link.wake();
  assert.equal(net.sockets.length, 2);
  clock.pass(2000);
  assert.equal(net.sockets.length, 2, "and not again later");
});

test("waking up asks an open socket, which has 4 s to answer", () => {
  const { net, link, clock, told } = online();
  link.wake();
  link.wake();
  net.expect(PING);
  clock.pass(3999);
  assert.deepEqual(told, []);
  clock.pass(1);
  assert.deepEqual(told, ["offline", "connecting"]);
  assert.equal(net.sockets.length, 2);
});

test("waking up does no harm to a socket that answers, or is still connecting", () => {
  const { net, link, clock, bind } = linked();
  link.wake();
  bind();
  link.wake();
  net.socket.says("PING_RESP");
  clock.pass(10000);
  net.expect(PING);
  assert.equal(net.sockets.length, 1);
});

test("after the machine has slept it asks at once", () => {
  const { net, clock } = online();
  clock.sleep(30000);
  net.expect(PING);
});

test("a ping is answered", () => {
  const { net, told } = online();
  net.socket.says("PING_REQ", { accountId: 1 });
  net.expect({ cmd: "PING_RESP", accountId: 1 });
  assert.deepEqual(told, []);
});
