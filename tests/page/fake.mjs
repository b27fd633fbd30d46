/** Sockets, a clock and luck that belong to the test: no real time, no network. */

import assert from "node:assert/strict";

export class Clock {
  time = 1_000_000;
  #timers = new Map();
  #last = 0;

  setTimeout = (run, ms = 0) => {
    assert.ok(ms >= 0, `a wait of ${ms} ms`);
    this.#timers.set((this.#last += 1), { at: this.time + ms, run });
    return this.#last;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  /** Let time pass: what is due runs, in order. */
  pass(ms) {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end);
      const [first] = due.sort(([a, one], [b, other]) => one.at - other.at || a - b);
      if (!first) break;
      this.#run(...first);
    }
    this.time = end;
  }

  /** The machine sleeps: whatever was due runs late, once. */
  sleep(ms) {
    this.time += ms;
    for (const [timer, { at, run }] of [...this.#timers])
      if (at <= this.time && this.#timers.has(timer)) this.#run(timer, { at: this.time, run });
  }

  #run(timer, { at, run }) {
    this.#timers.delete(timer);
    this.time = at;
    run();
  }
}

/** All sockets that were made, the last of them for short. */
export class Net {
  sockets = [];
  sent = []; // frames that the test has not looked at yet

  constructor(clock = new Clock()) {
    const net = this;
    this.clock = clock;
    this.luck = 0.5;
    this.options = {
      WebSocket: class extends Socket {
        constructor(url) {
          super(url, net);
        }
      },
      random: () => this.luck,
      now: () => clock.time,
      setTimeout: clock.setTimeout,
      clearTimeout: clock.clearTimeout,
    };
  }

  get socket() {
    return this.sockets.at(-1);
  }

  /** These frames were sent since the last look, and no others. */
  expect(...frames) {
    assert.deepEqual(this.sent.splice(0), frames);
  }
}

class Socket {
  frames = []; // all that was sent on it
  closed = null; // [code] once the client has closed it

  constructor(url, net) {
    this.url = url;
    this.net = net;
    net.sockets.push(this);
  }

  // -- as a browser's

  send(data) {
    assert.equal(this.ready, true, "a socket that is not open throws here");
    if (this.closed) return;
    this.net.log?.push(JSON.parse(data).cmd);
    this.net.sent.push(JSON.parse(data));
    this.frames.push(JSON.parse(data));
  }

  close(...code) {
    this.closed ??= code;
  }

  // -- what the node and the network do

  open() {
    this.ready = true;
    this.onopen({});
  }

  says(cmd, fields = {}) {
    this.raw(JSON.stringify({ cmd, ...fields }));
  }

  raw(data) {
    this.onmessage({ data });
  }

  lose(code = 1006) {
    this.onclose({ code });
  }
}
