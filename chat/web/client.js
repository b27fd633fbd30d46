/**
 * Talk with strangers: the wire protocol of stranger-chat, for any page.
 *
 *     import { ChatClient } from "https://chat.example/client.js";
 *     const chat = new ChatClient("wss://chat.example/ws");
 *     chat.addEventListener("session", ({ detail }) => chat.say(detail.sessionId, "Hello!"));
 *     chat.addEventListener("message", ({ detail }) => console.log(detail.content));
 *     chat.connect("Ada");
 *     chat.match();
 *
 * The methods say what is wanted, and return at once; the client sees to it over as many sockets as that
 * takes. It comes back by itself after full jitter, resumes after the last push that it has, repeats what was
 * not answered without doing it twice, and drops what it has seen. What happens is told by events, whose
 * `detail` holds:
 *
 *     connection  {state}               "connecting", "online", "offline" or, with too many new accounts from
 *                                       here, "busy" (it comes back by itself),
 *                                       "replaced", "banned", "gone", "closed" (it does not)
 *     account     {accountId, nickName} a new account
 *     waiting     {waiting}             whether a partner is looked for
 *     session     {sessionId, partnerId, partnerName}
 *     message     {sessionId, msgId, content}
 *     sent        {sessionId, requestId, msgId}   recorded: the partner gets it, exactly once
 *     refused     {sessionId, requestId, code}    not sent, and it will not be
 *     viewed      {sessionId, msgId}    the partner has read everything up to there
 *     typing      {sessionId, typing}
 *     away, back  {sessionId}           the partner's connection
 *     ended       {sessionId}           the partner left; also after `leave`
 *     missed      {}                    something was lost, and cannot be had again
 *     full        {}                    one session too many: no partner is looked for
 *
 * A push is acknowledged after its event, and after `save` was called with what has to be known to go on
 * later, on another page: give it to the next client as `saved`, and call `connect()`.
 */

import { Link } from "./link.js";

/** Reply codes: docs/protocol.md. */
export const Code = { OK: 0, PARAM: 1, INTERNAL: 2, NO_DATA: 4, NOT_ALLOWED: 5, RATE: 6, CLOSED: 7 };

export const MOST_CHARACTERS = 2000; // code points of a message
const MOST_BYTES = 10240 - 256; // of its content: the rest of the frame is shorter than that
const MOST_UNANSWERED = 200; // messages

/** Whether a message can be sent: neither empty nor longer than a node takes. */
export function fits(content) {
  const size = new TextEncoder().encode(JSON.stringify(content)).length;
  return content !== "" && [...content].length <= MOST_CHARACTERS && size <= MOST_BYTES;
}

export class ChatClient extends EventTarget {
  #link;
  #save;
  #outside;
  #name = "";
  #account = null; // {accountId, token, nickName}
  #seq = 0; // the last push that arrived; null where the next one says it
  #told = 0; // and of which a node was told so
  #gap = null; // after which push one was missing, so that it is asked for once
  #sessions = new Map(); // the open ones, by sessionId
  #outbox = []; // {sessionId, requestId, content, retry}, in order
  #read = new Map(); // sessionId → the msgId that its partner is to be told
  #leaving = new Set();
  #matching = false; // wanted
  #queued = false; // and a node has said that we wait
  #cancelling = false;
  #flushing = null;

  /**
   * `url` is that of the socket. `saved` is what `save` was last called with, or nothing. The rest is for
   * tests: `WebSocket`, `random` (from 0 to 1), `now` (ms), `setTimeout`, `clearTimeout`.
   */
  constructor(url, { saved = null, save = () => {}, ...outside } = {}) {
    super();
    this.#save = save;
    this.#outside = {
      random: Math.random,
      setTimeout: (run, ms) => setTimeout(run, ms),
      clearTimeout: (timer) => clearTimeout(timer),
      ...outside,
    };
    this.#link = new Link(url, this.#owner(), outside);
    if (saved?.account) this.#restore(saved);
  }

  /** {accountId, nickName}, or null before there is one and after it is gone. */
  get account() {
    const { accountId, nickName } = this.#account ?? {};
    return this.#account && { accountId, nickName };
  }

  /** The state that the last `connection` event told. */
  get state() {
    return this.#link.state;
  }

  /** Whether a partner is looked for. */
  get waiting() {
    return this.#matching;
  }

  /** The open sessions, oldest first. */
  get sessions() {
    return [...this.#sessions.values()];
  }

  /** Connect: with the account that there is, or a new one of that name. For an empty one the node has a name. */
  connect(nickName = "") {
    this.#name = nickName;
    this.#link.start();
  }

  /** Look for a partner: a `session` event comes as soon as there is one. */
  match() {
    if (this.#matching) return;
    this.#matching = true;
    this.#queued = false;
    this.#tell("waiting", { waiting: true });
    this.#changed();
  }

  /** Look no longer. Whoever was found at the same moment still comes as a `session`. */
  cancel() {
    if (!this.#found()) return;
    this.#cancelling = true;
    this.#changed();
  }

  /**
   * Send a message; the `requestId` that is returned comes again in its `sent` or `refused` event. Messages
   * of a session go one after the other. Throws a RangeError for what no node would take (see `fits`), in a
   * session that is not open, and while 200 are unanswered.
   */
  say(sessionId, content) {
    if (!fits(content)) throw new RangeError("this message is empty or too long");
    if (!this.#sessions.has(sessionId)) throw new RangeError("this session is not open");
    if (this.#outbox.length >= MOST_UNANSWERED) throw new RangeError("too many messages are unanswered");
    const word = () => Math.floor(this.#outside.random() * 2 ** 32).toString(36);
    const requestId = `${word()}-${word()}`;
    this.#outbox.push({ sessionId, requestId, content, retry: false });
    this.#changed();
    return requestId;
  }

  /** Tell the partner that everything up to `msgId` was read. */
  viewed(sessionId, msgId) {
    if (!this.#sessions.has(sessionId) || msgId <= (this.#read.get(sessionId) ?? 0)) return;
    this.#read.set(sessionId, msgId);
    this.#changed();
  }

  /** Tell the partner, now or never. */
  typing(sessionId, typing) {
    if (this.#link.bound) this.#link.send("TYPING_REQ", { ...this.#identity(), sessionId, typing });
  }

  /** End a session. */
  leave(sessionId) {
    if (!this.#sessions.has(sessionId)) return;
    this.#leaving.add(sessionId);
    this.#ended(sessionId);
    this.#changed();
  }

  /** Goodbye: all sessions end, and the account with them. */
  close() {
    this.#forget("closed", 1000);
  }

  /** The network or the machine has come back: look at once whether the socket still lives. */
  wake() {
    this.#link.wake();
  }

  /** Call `save` now, and acknowledge what was saved: for a page that is about to go. */
  flush() {
    if (this.#flushing === null) return;
    this.#outside.clearTimeout(this.#flushing);
    this.#flushing = null;
    this.#save(this.#snapshot());
    if (!this.#link.bound || this.#seq === null || this.#seq === this.#told) return;
    this.#told = this.#seq;
    this.#link.send("PUSH_SIGNAL_RESP", { seq: this.#seq });
  }

  // -- what is wanted, and what of it is due

  #changed() {
    this.#flushing ??= this.#outside.setTimeout(() => this.flush(), 0);
    this.#work();
  }

  /** Ask for everything that is wanted and not asked already: harmless at any time. */
  #work() {
    const link = this.#link;
    if (!link.bound) return;
    const me = this.#identity();
    for (const sessionId of this.#leaving) link.ask("LEAVE", { ...me, sessionId });
    if (this.#cancelling) link.ask("MATCH_CANCEL", me);
    else if (this.#matching && !this.#queued && !this.#leaving.size) link.ask("MATCH", me); // not what we leave
    for (const [sessionId, msgId] of this.#read) link.ask("VIEWED_ACK", { ...me, sessionId, msgId });
    const turns = new Set();
    for (const { sessionId, requestId, content, retry } of this.#outbox) {
      if (turns.has(sessionId)) continue; // after the one before it
      turns.add(sessionId);
      const message = { requestId, senderId: me.accountId, sessionId, content };
      link.ask(`DIALOGUE ${requestId}`, retry ? { ...message, retry } : message);
    }
  }

  // -- what the link asks of its owner

  #owner() {
    return {
      opened: () => this.#identify(),
      received: (frame) => {
        if (frame.cmd.startsWith("PUSH_")) this.#pushed(frame);
        else this.#answers[frame.cmd]?.(frame);
      },
      lost: (kinds) => {
        for (const message of this.#outbox) // it may have arrived
          if (kinds.includes(`DIALOGUE ${message.requestId}`)) message.retry = true;
      },
      became: (state) => this.#tell("connection", { state }),
      work: () => this.#work(),
      identity: () => this.#identity(),
    };
  }

  #identity() {
    return { accountId: this.#account?.accountId };
  }

  #identify() {
    if (!this.#account) return this.#link.ask("CRT_ACCOUNT", { nickName: this.#name });
    const { accountId, token } = this.#account;
    const seq = this.#seq === null ? {} : { seq: this.#seq };
    this.#told = this.#seq;
    return this.#link.ask("RECONNECT", { accountId, token, ...seq });
  }

  // -- answers

  #answers = {
    CRT_ACCOUNT_RESP: ({ code, retryAfterMs, accountId, token, nickName }) => {
      if (code) return this.#link.drop(retryAfterMs, code === Code.RATE ? "busy" : "offline");
      this.#link.answered("CRT_ACCOUNT", { code });
      this.#account = { accountId, token, nickName };
      this.#link.bind();
      this.#tell("account", { accountId, nickName });
      return this.#ready();
    },
    RECONNECT_RESP: (frame) => {
      if (frame.code === Code.NO_DATA) return this.#forget("gone");
      if (frame.code) return this.#link.drop(frame.retryAfterMs);
      this.#link.answered("RECONNECT", frame);
      return this.#resumed(frame);
    },
    MATCH_RESP: (frame) => {
      if (!this.#link.answered("MATCH", frame)) return;
      if (frame.code === Code.OK) {
        if (this.#sessions.has(frame.sessionId)) this.#found(); // it has had no message yet
        else this.#opened(frame);
      } else if (frame.code === Code.NO_DATA) this.#placed();
      else if (this.#found()) this.#tell("full");
      this.#changed();
    },
    MATCH_CANCEL_RESP: (frame) => {
      if (!this.#link.answered("MATCH_CANCEL", frame)) return;
      this.#cancelling = this.#queued = false;
      this.#changed();
    },
    LEAVE_RESP: (frame) => {
      const asked = this.#link.answered("LEAVE", frame);
      if (!asked) return;
      this.#leaving.delete(asked.sessionId);
      this.#changed();
    },
    VIEWED_ACK_RESP: (frame) => {
      const asked = this.#link.answered("VIEWED_ACK", frame);
      if (!asked) return;
      if (this.#read.get(asked.sessionId) === asked.msgId) this.#read.delete(asked.sessionId);
      this.#changed();
    },
    DIALOGUE_RESP: (frame) => {
      const { requestId, code, msgId } = frame;
      const asked = this.#link.answered(`DIALOGUE ${requestId}`, frame);
      const message = this.#outbox.find((one) => one.requestId === requestId);
      if (!message) return; // its session has ended
      const { sessionId } = message;
      if (code === Code.INTERNAL) message.retry = true; // done or not: nobody knows
      if (!asked) return;
      this.#outbox.splice(this.#outbox.indexOf(message), 1);
      if (code === Code.OK) this.#tell("sent", { sessionId, requestId, msgId });
      else this.#tell("refused", { sessionId, requestId, code });
      if (code === Code.CLOSED || code === Code.NO_DATA) this.#ended(sessionId);
      this.#changed();
    },
  };

  #ready() {
    this.#link.online();
    this.#changed();
  }

  #resumed({ recovered, waiting, sessions }) {
    const open = Array.isArray(sessions) ? sessions : this.sessions;
    if (!recovered) {
      this.#seq = this.#told = this.#gap = null;
      this.#queued = false;
    }
    // Who had a place and has none now was paired on coming back: that session is on its way.
    if (waiting) this.#placed();
    this.#link.bind();
    if (!recovered) {
      const still = new Set(open.map(({ sessionId }) => sessionId));
      for (const sessionId of this.#sessions.keys()) if (!still.has(sessionId)) this.#ended(sessionId);
    }
    for (const session of open) this.#opened(session); // the answer that told of it may be lost
    if (!recovered && this.#link.bound) this.#tell("missed"); // unless a listener has said goodbye
    this.#ready();
  }

  /** A node has us in its queue; a place that nobody wants any more is given up. */
  #placed() {
    this.#queued = true;
    this.#cancelling ||= !this.#matching;
  }

  /** Nothing of the account is left. What listeners want from here on is for the next one. */
  #forget(state, code) {
    this.#found();
    this.#account = this.#gap = null;
    this.#seq = this.#told = 0;
    this.#leaving.clear();
    this.#cancelling = false;
    this.#link.end(state, code);
    for (const sessionId of this.#sessions.keys()) this.#ended(sessionId);
    this.#changed();
    this.flush();
  }

  // -- pushes

  #pushed(frame) {
    if (typeof frame.seq !== "number") return this.#happened(frame); // one that is never stored
    const last = this.#seq;
    if (last !== null && frame.seq <= last) {
      this.#told = null; // that we have it was not heard
      return this.#changed();
    }
    if (last !== null && frame.seq > last + 1) {
      if (this.#gap !== last) {
        this.#gap = last;
        return this.#link.drop(0); // coming back asks for what is missing, once
      }
    }
    this.#seq = frame.seq;
    if (last !== null && frame.seq > last + 1) this.#tell("missed");
    this.#happened(frame);
    return this.#changed();
  }

  #happened({ cmd, sessionId, msgId, content, signalType, data }) {
    if (signalType === "NewSession") {
      const { accountId, nickName } = data;
      this.#opened({ sessionId, partnerId: accountId, partnerName: nickName });
    } else if (!this.#sessions.has(sessionId)) return;
    else if (cmd === "PUSH_DIALOGUE_REQ") this.#tell("message", { sessionId, msgId, content });
    else if (cmd === "PUSH_VIEWED_ACK_REQ") this.#tell("viewed", { sessionId, msgId });
    else if (signalType === "Typing") this.#tell("typing", { sessionId, typing: data.typing });
    else if (signalType === "PartnerAway") this.#tell("away", { sessionId });
    else if (signalType === "PartnerBack") this.#tell("back", { sessionId });
    else if (signalType === "PartnerExit") this.#ended(sessionId);
  }

  #opened({ sessionId, partnerId, partnerName }) {
    if (!this.#account || this.#sessions.has(sessionId) || this.#leaving.has(sessionId)) return;
    const session = { sessionId, partnerId, partnerName };
    this.#sessions.set(sessionId, session);
    this.#found();
    if (this.#sessions.has(sessionId)) this.#tell("session", session); // nobody has left meanwhile
  }

  /** What was not sent in it will not be. */
  #ended(sessionId) {
    if (!this.#sessions.delete(sessionId)) return;
    this.#read.delete(sessionId);
    const refused = this.#outbox.filter((message) => message.sessionId === sessionId);
    this.#outbox = this.#outbox.filter((message) => message.sessionId !== sessionId);
    for (const { requestId } of refused)
      this.#tell("refused", { sessionId, requestId, code: Code.CLOSED });
    this.#tell("ended", { sessionId });
  }

  /** Nobody is looked for any more; whether somebody was. */
  #found() {
    const was = this.#matching;
    this.#matching = this.#queued = false;
    if (was) this.#tell("waiting", { waiting: false });
    return was;
  }

  // -- what has to be known to go on

  #snapshot() {
    return {
      account: this.#account,
      seq: this.#seq,
      sessions: this.sessions,
      outbox: this.#outbox.map((message) => ({ ...message })),
      read: [...this.#read],
      leaving: [...this.#leaving],
      matching: this.#matching,
      queued: this.#queued,
      cancelling: this.#cancelling,
    };
  }

  #restore(saved) {
    this.#account = saved.account;
    this.#seq = saved.seq;
    this.#sessions = new Map(saved.sessions.map((session) => [session.sessionId, session]));
    this.#outbox = saved.outbox.map((message) => ({ ...message, retry: true })); // it may have arrived
    this.#read = new Map(saved.read);
    this.#leaving = new Set(saved.leaving);
    this.#matching = saved.matching;
    this.#queued = saved.queued;
    this.#cancelling = saved.cancelling;
  }

  #tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
