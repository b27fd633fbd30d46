/** A client at a node that the test plays. */

import assert from "node:assert/strict";

import { ChatClient } from "../../chat/web/client.js";
import { Net } from "./fake.mjs";

export const ME = { accountId: 1000 };
export const BOB = { sessionId: 7, partnerId: 2000, partnerName: "Bob" };
export const EVE = { sessionId: 8, partnerId: 3000, partnerName: "Eve" };

const EVENTS =
  "connection account waiting session message sent refused viewed typing away back ended missed full";

/** A client, and everything that it tells, sends and saves. */
export class Scene {
  events = [];
  saved = []; // as JSON
  #request = 0;

  constructor({ saved, clock, save: more } = {}) {
    this.net = new Net(clock);
    this.log = this.net.log = [];
    const save = (state) => {
      this.log.push("save");
      this.saved.push(JSON.stringify(state));
      more?.(state);
    };
    const options = { ...this.net.options, save, saved: saved && JSON.parse(saved) };
    this.chat = new ChatClient("ws://node/ws", options);
    for (const type of EVENTS.split(" ")) {
      const heard = ({ detail }) => this.events.push(detail.state ? detail.state : [type, detail]);
      this.chat.addEventListener(type, heard);
    }
  }

  get node() {
    return this.net.socket;
  }

  on(type, act) {
    this.chat.addEventListener(type, ({ detail }) => act(detail));
  }

  expect(...frames) {
    this.net.expect(...frames);
  }

  /** These events came since the last look, and no others; a change of the connection is its state. */
  told(...events) {
    assert.deepEqual(this.events.splice(0), events);
  }

  /** Events and frames up to here are not what the test is about. */
  skip() {
    this.events.length = this.net.sent.length = this.log.length = 0;
    return this;
  }

  pass(ms = 0) {
    this.net.clock.pass(ms);
  }

  // -- what a node does, step by step

  online() {
    this.chat.connect("Ada");
    this.node.open();
    this.node.says("CRT_ACCOUNT_RESP", { code: 0, ...ME, token: "secret", nickName: "Ada" });
    this.pass();
    return this.skip();
  }

  /** In a session with Bob, and perhaps others. */
  talking(...others) {
    if (!this.chat.account) this.online();
    for (const session of [BOB, ...others]) {
      this.chat.match();
      this.node.says("MATCH_RESP", { code: 0, ...session });
    }
    this.pass();
    return this.skip();
  }

  push(seq, cmd, fields) {
    this.node.says(`PUSH_${cmd}_REQ`, { ...fields, seq });
  }

  message(seq, content, { sessionId } = BOB) {
    this.push(seq, "DIALOGUE", { msgId: seq, senderId: 2000, sessionId, content });
  }

  signal(seq, signalType, { sessionId, partnerId, partnerName } = BOB, data = {}) {
    const about = { accountId: partnerId, nickName: partnerName, ...data };
    this.push(seq, "SIGNAL", { senderId: 2000, sessionId, signalType, data: about });
  }

  /** The socket is lost, and a new one opens. */
  lost(code) {
    this.node.lose(code);
    this.pass(10000);
    this.node.open();
  }

  resumed(answer = {}) {
    const fields = { recovered: true, waiting: false, sessions: this.chat.sessions, ...answer };
    this.node.says("RECONNECT_RESP", { code: 0, nickName: "Ada", ...fields });
  }

  /** Lost, and back again. */
  back(answer) {
    this.lost();
    this.skip();
    this.resumed(answer);
  }

  /** Say something: the frame that is to be expected for it. */
  say(content, { sessionId } = BOB) {
    this.net.luck = (this.#request += 1) / 1000; // another id each time
    const requestId = this.chat.say(sessionId, content);
    this.net.luck = 0.5;
    return { cmd: "DIALOGUE_REQ", requestId, senderId: ME.accountId, sessionId, content };
  }

  answer({ requestId }, code, fields = {}) {
    this.node.says("DIALOGUE_RESP", { code, requestId, ...fields });
  }
}

export const again = (frame) => ({ ...frame, retry: true });
export const MATCH = { cmd: "MATCH_REQ", ...ME };
export const CANCEL = { cmd: "MATCH_CANCEL_REQ", ...ME };
export const leave = ({ sessionId }) => ({ cmd: "LEAVE_REQ", ...ME, sessionId });
export const viewed = (msgId, { sessionId } = BOB) => ({ cmd: "VIEWED_ACK_REQ", ...ME, sessionId, msgId });
export const resume = (seq) => {
  const known = seq === null ? {} : { seq };
  return { cmd: "RECONNECT_REQ", ...ME, token: "secret", ...known };
};
export const ack = (seq) => ({ cmd: "PUSH_SIGNAL_RESP", seq });
export const waiting = (is) => ["waiting", { waiting: is }];
