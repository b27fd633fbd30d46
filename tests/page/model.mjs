/** A node with its Redis in a few lines, as docs/protocol.md has it, on a network that the test decides about. */

const PAUSE = 100; // ms that code 6 asks for

/** `chance(p)` is luck; `faults` is how often a node cannot do what it is asked. */
export class Model {
  accounts = new Map();
  sessions = new Map();
  queue = []; // account ids
  wires = new Map(); // the client's socket → {up: frames, down: frames, account}
  faults = 0;
  #last = 0;

  constructor(chance) {
    this.chance = chance;
  }

  // -- the network

  connect(socket) {
    this.wires.set(socket, { socket, up: [], down: [], account: null });
    socket.open();
  }

  /** What is under way is lost. */
  cut(wire, code = 1006) {
    if (this.gone(wire)) wire.socket.lose(code);
  }

  /** The same, with the page. */
  gone(wire) {
    const was = this.wires.delete(wire.socket);
    if (was) this.#away(wire);
    return was;
  }

  /** One frame arrives at the node, or at the client. */
  up(wire) {
    const frame = wire.up.shift();
    if (frame) this.#command(wire, frame);
    return Boolean(frame);
  }

  down(wire) {
    const frame = wire.down.shift();
    if (frame) wire.socket.raw(frame);
    return Boolean(frame);
  }

  #away(wire) {
    const { account } = wire;
    if (account?.wire !== wire) return;
    account.wire = null;
    account.again ||= this.#leaveQueue(account.accountId);
    this.#signal(account, "PartnerAway");
  }

  // -- requests

  #command(wire, frame) {
    const { cmd, requestId } = frame;
    const answered = { cmd: cmd.replace("REQ", "RESP"), requestId };
    const answer = (fields) => wire.down.push(JSON.stringify({ ...answered, ...fields }));
    const account = wire.account;
    if (cmd === "CRT_ACCOUNT_REQ") return answer(this.#create(wire, frame));
    if (cmd === "RECONNECT_REQ") return this.#reconnect(wire, frame, answer);
    if (cmd.startsWith("PUSH_")) return this.#acknowledge(account, frame.seq);
    if (cmd === "PING_REQ") return answer({});
    if (account?.wire !== wire) return undefined; // it was taken over
    if (this.chance(this.faults)) return answer({ code: 6, retryAfterMs: PAUSE });
    if (this.chance(this.faults) && cmd !== "MATCH_REQ") {
      if (this.chance(0.5)) this.#does[cmd].call(this, account, frame);
      return answer({ code: 2 });
    }
    return answer(this.#does[cmd].call(this, account, frame));
  }

  #create(wire, { nickName }) {
    const accountId = (this.#last += 1000);
    const token = `t${accountId}`;
    const account = { accountId, nickName, seq: 0, acked: 0, hole: -1, inbox: [], newest: null, wire };
    this.accounts.set(accountId, account);
    wire.account = account;
    return { code: 0, accountId, nickName, token };
  }

  #reconnect(wire, { accountId, seq }, answer) {
    const account = this.accounts.get(accountId);
    if (account.wire) this.cut(account.wire);
    const known = account.inbox; // a node may repeat what it was told has arrived
    this.#acknowledge(account, seq ?? 0);
    const recovered = (seq ?? account.acked - 1) >= account.hole; // until it shows that it was told
    account.wire = wire;
    wire.account = account;
    const before = this.#listed(account);
    const partner = account.again && this.#partner(account);
    if (account.again && !partner) this.queue.push(accountId);
    account.again = false;
    const inbox = (this.chance(0.2) ? known : account.inbox).map((push) => JSON.stringify(push));
    const session = partner && this.#open(account, partner);
    const sessions = this.chance(0.5) ? before : this.#listed(account); // the protocol leaves it open
    answer({ code: 0, recovered, waiting: this.queue.includes(accountId), sessions });
    wire.down.push(...inbox);
    if (session) this.#announce(account, session);
    if (session) this.#announce(partner, session);
    this.#signal(account, "PartnerBack");
  }

  #does = {
    MATCH_REQ(account) {
      const { accountId, newest } = account;
      const session = this.sessions.get(newest);
      if (session?.open && session.msgId === 0) return { code: 0, ...this.#seen(session, account) };
      if (this.queue.includes(accountId)) return { code: 4 };
      if (this.#listed(account).length > 3) return { code: 5 };
      const partner = this.#partner(account);
      if (!partner) {
        this.queue.push(accountId);
        return { code: 4 };
      }
      const opened = this.#open(account, partner);
      this.#announce(partner, opened);
      return { code: 0, ...this.#seen(opened, account) };
    },
    MATCH_CANCEL_REQ({ accountId }) {
      this.#leaveQueue(accountId);
      return { code: 0 };
    },
    DIALOGUE_REQ(account, { sessionId, requestId, content, retry }) {
      const session = this.sessions.get(sessionId);
      const key = `${account.accountId} ${requestId}`;
      if (!session.open) {
        if (session.left !== account.accountId) this.#exit(account, session);
        return { code: 7 };
      }
      if (retry && session.known.has(key)) return { code: 0, msgId: session.known.get(key) };
      const msgId = (session.msgId += 1);
      session.known.set(key, msgId);
      session.log.push({ msgId, key, to: this.#other(session, account).accountId });
      this.#push(this.#other(session, account), { cmd: "PUSH_DIALOGUE_REQ", sessionId, msgId, content });
      return { code: 0, msgId };
    },
    VIEWED_ACK_REQ(account, { sessionId, msgId }) {
      const session = this.sessions.get(sessionId);
      if (!session.open) return { code: 7 };
      if (msgId > session.msgId) return { code: 4 };
      session.viewed[account.accountId] = Math.max(msgId, session.viewed[account.accountId] ?? 0);
      this.#push(this.#other(session, account), { cmd: "PUSH_VIEWED_ACK_REQ", sessionId, msgId });
      return { code: 0 };
    },
    LEAVE_REQ(account, { sessionId }) {
      const session = this.sessions.get(sessionId);
      if (!session.open) return { code: 7 };
      Object.assign(session, { open: false, left: account.accountId });
      this.#exit(this.#other(session, account), session);
      return { code: 0 };
    },
  };

  // -- what there is

  #partner({ accountId }) {
    const id = this.queue.find((one) => one !== accountId);
    this.#leaveQueue(id);
    return this.accounts.get(id);
  }

  #leaveQueue(accountId) {
    const place = this.queue.indexOf(accountId);
    if (place >= 0) this.queue.splice(place, 1);
    return place >= 0;
  }

  #open(...both) {
    const sessionId = (this.#last += 1);
    const session = { sessionId, both, open: true, msgId: 0, known: new Map(), log: [], viewed: {} };
    this.sessions.set(sessionId, session);
    for (const account of both) account.newest = sessionId;
    return session;
  }

  #other({ both }, account) {
    return both.find((one) => one !== account);
  }

  #seen(session, account) {
    const { accountId, nickName } = this.#other(session, account);
    return { sessionId: session.sessionId, partnerId: accountId, partnerName: nickName };
  }

  #listed(account) {
    const mine = [...this.sessions.values()].filter(({ both }) => both.includes(account));
    return mine.filter(({ open }) => open).map((session) => this.#seen(session, account));
  }

  /** The ids of the open sessions. */
  open({ accountId }) {
    return this.#listed(this.accounts.get(accountId)).map(({ sessionId }) => sessionId);
  }

  // -- pushes

  #push(account, frame) {
    const push = { ...frame, seq: (account.seq += 1) };
    account.inbox.push(push);
    account.wire?.down.push(JSON.stringify(push));
  }

  #announce(account, session) {
    const { accountId, nickName } = this.#other(session, account);
    const data = { accountId, nickName };
    const { sessionId } = session;
    this.#push(account, { cmd: "PUSH_SIGNAL_REQ", sessionId, signalType: "NewSession", data });
  }

  #exit(account, { sessionId }) {
    this.#push(account, { cmd: "PUSH_SIGNAL_REQ", sessionId, signalType: "PartnerExit", data: {} });
  }

  #signal(account, signalType) {
    for (const sessionId of this.open(account)) {
      const partner = this.#other(this.sessions.get(sessionId), account);
      this.#push(partner, { cmd: "PUSH_SIGNAL_REQ", sessionId, signalType, data: {} });
    }
  }

  #acknowledge(account, seq) {
    account.acked = Math.max(account.acked, seq);
    account.inbox = account.inbox.filter((push) => push.seq > seq);
  }

  /** Pushes of somebody who is away are lost, as with a Redis that lost its newest writes. */
  forget(account) {
    if (account.wire || !account.inbox.length) return;
    account.inbox = [];
    account.hole = account.acked = account.seq;
  }
}
