/**
 * One socket after the other, and the requests on it that have no answer yet. Knows nothing of what they mean.
 */

const BACKOFF = [1000, 10000]; // ms: the longest first wait, and the longest of all
const ANSWER = 10000; // ms without an answer, and the socket is taken for dead
const PROBE = 4000; // the same, after something happened to the network
const QUIET = 40000; // ms without a frame, and we ask; a node does so sooner
const TICK = 2000;

const FINAL = { 4001: "replaced", 4003: "banned" }; // close codes that say not to come back
const GOING_AWAY = 1001;
const INTERNAL = 2;
const RATE = 6;

export class Link {
  #url;
  #owner;
  #outside;
  #socket = null;
  #state = "closed";
  #bound = false;
  #asked = new Map(); // kind → {since, fields} of the request that waits for its answer
  #again = new Map(); // kind → timer of a request that was to be repeated later
  #timers = {};
  #attempts = 0;
  #heard = 0;
  #since = 0;

  /**
   * `owner` has the functions `opened()`, `received(frame)`, `lost(kinds)` with what was not answered,
   * `became(state)`, and `work()`, called when something may be asked again.
   */
  constructor(url, owner, outside) {
    this.#url = url;
    this.#owner = owner;
    this.#outside = {
      WebSocket: globalThis.WebSocket,
      random: Math.random,
      now: Date.now,
      setTimeout: (run, ms) => setTimeout(run, ms),
      clearTimeout: (timer) => clearTimeout(timer),
      ...outside,
    };
  }

  get state() {
    return this.#state;
  }

  /** Whether the socket has its account, so that everything may be asked. */
  get bound() {
    return this.#bound;
  }

  /** Connect, unless that is under way. */
  start() {
    if (this.#socket || this.#timers.retry) return;
    this.#attempts = 0;
    this.#open();
  }

  /** The socket has its account. */
  bind() {
    this.#bound = true;
    this.#since = this.#outside.now();
  }

  /** Say so, unless it was closed meanwhile. */
  online() {
    if (this.#bound) this.#become("online");
  }

  /** One request of a kind at a time: answers come in order, so one belongs to what is under way. */
  ask(kind, fields) {
    if (this.#asked.has(kind) || this.#again.has(kind)) return;
    this.#asked.set(kind, { since: this.#outside.now(), fields });
    this.send(`${kind.split(" ")[0]}_REQ`, fields);
  }

  /** The fields of what this answers; undefined where nothing was asked, or it is to be repeated. */
  answered(kind, { code, retryAfterMs }) {
    const asked = this.#asked.get(kind);
    this.#asked.delete(kind);
    if (!asked || (code !== INTERNAL && code !== RATE)) return asked?.fields;
    const again = () => {
      this.#again.delete(kind);
      this.#owner.work();
    };
    this.#again.set(kind, this.#outside.setTimeout(again, retryAfterMs ?? this.#jitter(1)));
    return undefined;
  }

  send(cmd, fields) {
    this.#socket?.send(JSON.stringify({ cmd, ...fields }));
  }

  /** Something is wrong with this socket: take another, after `wait` ms; until then this is how it stands. */
  drop(wait, state) {
    const socket = this.#abandon();
    socket?.close(); // without 1000, which would be a goodbye
    this.#retry(0, wait, state);
  }

  /** Connect no more. With the code 1000 it is a goodbye. */
  end(state, code) {
    this.#abandon()?.close(code);
    for (const timer of this.#again.values()) this.#outside.clearTimeout(timer);
    this.#again.clear();
    this.#become(state);
  }

  /** The network or the machine may have come back: look at once whether the socket still lives. */
  wake() {
    if (this.#timers.retry) {
      this.#stop("retry");
      this.#open();
    } else if (this.#bound) this.#probe(PROBE);
  }

  #open() {
    const socket = new this.#outside.WebSocket(this.#url);
    this.#socket = socket;
    this.#heard = this.#outside.now();
    const mine = (act) => (event) => socket === this.#socket && act(event);
    socket.onopen = mine(() => this.#owner.opened());
    socket.onmessage = mine(({ data }) => this.#received(data));
    socket.onclose = mine(({ code }) => {
      this.#abandon();
      if (FINAL[code]) this.#become(FINAL[code]);
      else this.#retry(code);
    });
    this.#watch();
    this.#become("connecting");
  }

  #received(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    this.#heard = this.#outside.now();
    this.#stop("probe");
    if (frame?.cmd === "PING_REQ") this.send("PING_RESP", { accountId: frame.accountId });
    else if (typeof frame?.cmd === "string") this.#owner.received(frame);
  }

  /** Let go of the socket: whatever it still says concerns nobody. */
  #abandon() {
    const socket = this.#socket;
    const kinds = [...this.#asked.keys()];
    this.#socket = null;
    for (const name of Object.keys(this.#timers)) this.#stop(name);
    this.#asked.clear();
    this.#owner.lost(kinds);
    const lasted = this.#outside.now() - this.#since > ANSWER;
    if (this.#bound && lasted) this.#attempts = 0;
    this.#bound = false;
    return socket;
  }

  #retry(code, wait, state = "offline") {
    const atOnce = code === GOING_AWAY && this.#attempts === 0; // to another node
    this.#attempts += 1;
    const open = () => {
      this.#stop("retry");
      this.#open();
    };
    const ms = wait ?? (atOnce ? 0 : this.#jitter(this.#attempts));
    this.#timers.retry = this.#outside.setTimeout(open, ms);
    this.#become(state);
  }

  /** Full jitter: people who lost one node together do not come back together. */
  #jitter(attempts) {
    const [base, cap] = BACKOFF;
    return this.#outside.random() * Math.min(cap, base * 2 ** (attempts - 1));
  }

  /** A dead network says nothing: a question without an answer does. */
  #watch() {
    this.#stop("watch");
    const due = this.#outside.now() + TICK;
    this.#timers.watch = this.#outside.setTimeout(() => {
      const now = this.#outside.now();
      const since = Math.max(this.#heard, this.#oldest());
      if (now - since > ANSWER) return this.drop();
      if (this.#bound && now - due > ANSWER) this.#probe(PROBE); // the machine has slept
      else if (this.#bound && now - this.#heard > QUIET) this.#probe(ANSWER);
      return this.#watch();
    }, TICK);
  }

  /** Since when something is waited for: its account, while there is none. */
  #oldest() {
    if (!this.#bound) return 0;
    return Math.min(...[...this.#asked.values()].map(({ since }) => since));
  }

  #probe(patience) {
    if (this.#timers.probe) return;
    this.send("PING_REQ", this.#owner.identity());
    this.#timers.probe = this.#outside.setTimeout(() => this.drop(0), patience);
  }

  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#owner.became(state);
  }

  #stop(name) {
    this.#outside.clearTimeout(this.#timers[name]);
    delete this.#timers[name];
  }
}
