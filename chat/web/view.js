/** What is on the screen beside the messages, drawn anew from what is so: nothing is remembered here. */

import { find, paintFace } from "./dom.js";
import { Tabs } from "./tabs.js";

export const SEARCH = "search"; // the key of the tab that looks for somebody

const PATIENCE = 8; // seconds after which a few more words are in place
const WORDS = { label: "aria-label", title: "title", placeholder: "placeholder" };

export class View {
  #say;
  #tabs;

  /** What the strip says for a moment, unless there is something more important. */
  news = "";

  /** `choose(key)` is called when a tab is chosen: with a sessionId as text, or SEARCH. */
  constructor(say, choose) {
    this.#say = say;
    this.#tabs = new Tabs(say, choose);
  }

  /** The words that never change. */
  words() {
    for (const element of document.querySelectorAll("[data-say]"))
      element.textContent = this.#say(element.dataset.say);
    for (const [key, attribute] of Object.entries(WORDS))
      for (const element of document.querySelectorAll(`[data-${key}]`))
        element.setAttribute(attribute, this.#say(element.dataset[key]));
  }

  /** For those who hear the page. */
  announce(words) {
    find("#told").textContent = words;
  }

  /**
   * `talk` is the one of `talks` that is shown, if any; `since` when the search began; `coming` whether an
   * account that was connected is on its way back.
   */
  draw({ talks, talk, chat, name, since, coming }) {
    find("#start").hidden = Boolean(talk) || chat.waiting;
    find("#wait").hidden = Boolean(talk) || !chat.waiting;
    find("#talk").hidden = !talk;
    find("#composer").hidden = !talk?.open;
    find("#over").hidden = !talk || talk.open;
    find("#me").hidden = !chat.account;
    find("#me").textContent = name;
    if (talk) this.#head(talk, chat);
    this.#row(talks, talk, chat.waiting);
    this.#strip(talk, chat, coming, talks.length > 0);
    if (chat.waiting) this.#clock(Math.floor((Date.now() - since) / 1000));
  }

  #head(talk, chat) {
    const name = talk.partnerName;
    paintFace(find("#face"), name, talk.partnerId);
    find("#partner").textContent = name;
    find("#presence").textContent = talk.typing ? this.#say("typing", { name }) : this.#say(talk.presence);
    find("#presence").dataset.state = talk.presence;
    find("#more").textContent = this.#say(chat.state === "gone" ? "again" : "next");
    find("#next").hidden = find("#leave").hidden = !talk.open;
  }

  #row(talks, talk, waiting) {
    const items = talks.map(({ sessionId, partnerName, partnerId, unread, presence }) => ({
      key: String(sessionId),
      name: partnerName,
      id: partnerId,
      unread,
      state: presence,
    }));
    if (waiting) items.push({ key: SEARCH, name: this.#say("search"), state: "search" });
    const active = talk ? String(talk.sessionId) : SEARCH;
    this.#tabs.draw(items, active);
    // A node answers with the newest session again until something was said in it.
    find("#another").disabled = waiting || talks.some((one) => one.open && !one.begun);
    const panel = find("#panel");
    const labels = items.some(({ key }) => key === active);
    for (const [attribute, value] of [["role", "tabpanel"], ["aria-labelledby", `tab-${active}`]])
      if (labels) panel.setAttribute(attribute, value);
      else panel.removeAttribute(attribute);
  }

  /** What happens to the connections, calmly, where one looks while writing. */
  #strip(talk, chat, coming, some) {
    const words = this.#connection(chat, coming, some) || this.news || this.#away(talk);
    if (find("#news").textContent !== words) find("#news").textContent = words; // said aloud once
    find("#mend").hidden = chat.state !== "replaced";
    find("#strip").dataset.state = words && chat.state;
  }

  #connection({ state, account }, coming, some) {
    if (state === "offline" || (state === "connecting" && coming))
      return this.#say(account ? "offline" : "unreachable");
    if (state === "gone") return this.#say(some ? "lost" : "late"); // who only waited had no conversation
    return ["connecting", "busy", "replaced", "banned"].includes(state) ? this.#say(state) : "";
  }

  #away(talk) {
    return talk?.away ? this.#say("partnerAway", { name: talk.partnerName }) : "";
  }

  #clock(n) {
    find("#waited").textContent = this.#say("seconds", { n });
    const patience = n >= PATIENCE ? this.#say("lookingFor") : "";
    if (find("#patience").textContent !== patience) find("#patience").textContent = patience;
  }
}
