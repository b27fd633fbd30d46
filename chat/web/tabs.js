/** One tab for each talk, and one for the search: a roving focus, as the ARIA pattern has it. */

import { find, make, paintFace } from "./dom.js";

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

export class Tabs {
  #nav = find("#tabs");
  #list = find("#tabs [role=tablist]");
  #say;
  #choose;
  #tabs = new Map(); // key → its tab, kept: a click is lost on one that is replaced before it is let go

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
    const keys = new Set(items.map(({ key }) => key));
    for (const [key, tab] of this.#tabs)
      if (!keys.has(key)) {
        this.#tabs.delete(key);
        tab.remove();
      }
    items.forEach((item, at) => {
      if (!this.#tabs.has(item.key)) this.#tabs.set(item.key, this.#tab(item));
      const tab = this.#tabs.get(item.key);
      if (this.#list.children[at] !== tab) this.#list.insertBefore(tab, this.#list.children[at] ?? null);
      this.#paint(tab, item, item.key === active);
    });
    const selected = this.#tabs.get(active);
    if (focused && selected !== document.activeElement) selected?.focus();
  }

  #tab({ key, name, id }) {
    const face = make("span", { className: "face", "aria-hidden": "true" });
    if (id) paintFace(face, name, id);
    const label = make("bdi", { className: "name" }, name);
    const tab = make("button", { type: "button", id: `tab-${key}` }, face, label);
    tab.dataset.key = key;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", "panel");
    return tab;
  }

  #paint(tab, { unread = 0, state }, selected) {
    const chosen = selected && tab.getAttribute("aria-selected") !== "true";
    tab.tabIndex = selected ? 0 : -1;
    tab.dataset.state = state;
    tab.setAttribute("aria-selected", String(selected));
    if (chosen) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (Number(tab.dataset.unread ?? 0) === unread) return;
    tab.dataset.unread = unread;
    tab.querySelector(".badge")?.remove();
    if (!unread) return;
    const said = make("span", { className: "unseen" }, `, ${this.#say("unread", { n: unread })}`);
    tab.append(make("span", { className: "badge" }, make("span", { "aria-hidden": "true" }, String(unread)), said));
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
