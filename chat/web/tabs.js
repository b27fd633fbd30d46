/** One tab for each talk, and one for the search: a roving focus, as the ARIA pattern has it. */

import { find, make, paintFace } from "./dom.js";

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

export class Tabs {
  #nav = find("#tabs");
  #list = find("#tabs [role=tablist]");
  #say;
  #choose;

  /** `choose(key)` is called with the key of a tab. */
  constructor(say, choose) {
    this.#say = say;
    this.#choose = choose;
    this.#list.addEventListener("click", ({ target }) => {
      const tab = target.closest("[role=tab]");
      if (tab) this.#choose(tab.dataset.key);
    });
    this.#list.addEventListener("keydown", (event) => this.#step(event));
  }

  /** Draw them: each {key, name, id, unread, state}; `active` is the key of the one that is shown. */
  draw(items, active) {
    const focused = this.#list.contains(document.activeElement);
    const direction = getComputedStyle(this.#list).flexDirection;
    this.#list.setAttribute("aria-orientation", direction === "column" ? "vertical" : "horizontal");
    this.#nav.hidden = items.length === 0;
    this.#nav.classList.toggle("single", items.length < 2);
    this.#list.replaceChildren(...items.map((item) => this.#tab(item, item.key === active)));
    if (focused) this.#list.querySelector("[aria-selected=true]")?.focus();
  }

  #tab({ key, name, id, unread, state }, selected) {
    const face = make("span", { className: "face", "aria-hidden": "true" });
    if (id) paintFace(face, name, id);
    const badge = unread
      ? make("span", { className: "badge" }, make("span", { "aria-hidden": "true" }, String(unread)),
          make("span", { className: "unseen" }, `, ${this.#say("unread", { n: unread })}`))
      : null;
    const label = make("bdi", { className: "name" }, name);
    const tab = make("button", { type: "button", id: `tab-${key}`, tabIndex: selected ? 0 : -1 }, face, label, badge);
    tab.dataset.key = key;
    tab.dataset.state = state;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-selected", String(selected));
    tab.setAttribute("aria-controls", "panel");
    return tab;
  }

  #step(event) {
    const tabs = [...this.#list.children];
    const at = tabs.indexOf(document.activeElement);
    let to = at + (STEPS[event.key] ?? 0);
    if (event.key === "Home") to = 0;
    if (event.key === "End") to = tabs.length - 1;
    if (at < 0 || to === at) return;
    event.preventDefault();
    this.#choose(tabs[(to + tabs.length) % tabs.length].dataset.key);
    this.#list.querySelector("[aria-selected=true]")?.focus();
  }
}
