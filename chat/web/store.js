/** What outlives a reload: in this tab's own storage, gone when the tab is closed. */

const KEY = "chat";

export class Store {
  #storage;

  constructor(storage) {
    this.#storage = storage;
  }

  /** What was written last, or {}. */
  read() {
    try {
      return { ...JSON.parse(this.#storage().getItem(KEY)) };
    } catch {
      return {};
    }
  }

  /** All of it at once. Where there is too little room, `shorten()` is asked for less, a few times. */
  write(state, shorten) {
    for (let tries = 0; tries < 8; tries += 1) {
      try {
        return this.#storage().setItem(KEY, JSON.stringify(state));
      } catch ({ name }) {
        // A browser without storage has nothing to gain from less: there all works, but a reload.
        if (!/quota/i.test(name) || !shorten()) return undefined;
      }
    }
    return undefined;
  }
}
