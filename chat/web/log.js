/** The messages of the talk that is shown: bubbles, days, marks, and where one has scrolled to. */

import { find, make } from "./dom.js";
import { isEmoji, rich } from "./text.js";

const GROUP = 120000; // ms between messages that belong together
const NEAR = 48; // pixels from the end that still count as the end
const MARKS = { sending: "◷", sent: "✓", read: "✓✓", failed: "!" };

export class Log {
  #scroll = find("#scroll");
  #list = find("#log");
  #pill = find("#pill");
  #say;
  #time;
  #day;
  #seen;
  #talk = null;
  #marks = new Map(); // entry → its mark
  #last = null; // the entry drawn last
  #stuck = true; // to the end
  #height = 0; // of what is in sight

  /** `seen()` is called when the end comes into sight. */
  constructor(say, language, seen) {
    this.#say = say;
    this.#seen = seen;
    this.#time = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
    this.#day = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
    this.#scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#stuck && this.toEnd()).observe(this.#scroll);
    this.#pill.addEventListener("click", () => {
      this.toEnd();
      this.#scroll.focus();
    });
  }

  /** Whether what comes last is in sight. */
  get stuck() {
    return this.#stuck;
  }

  /** Show another talk, or none. */
  show(talk) {
    if (talk === this.#talk) return;
    this.#talk = talk;
    this.#last = null;
    this.#marks.clear();
    this.#list.setAttribute("aria-live", "off"); // all of it is old
    this.#list.replaceChildren();
    if (!talk) return;
    this.#list.setAttribute("aria-label", this.#say("messages", { name: talk.partnerName }));
    if (talk.older) this.#list.append(make("p", { className: "note" }, this.#say("older")));
    for (const entry of talk.entries) this.#draw(entry);
    this.#list.setAttribute("aria-live", "polite");
    this.toEnd();
  }

  /** Something was added to the talk that is shown. */
  add(entry) {
    this.#scrolled(); // the event comes a frame later than the scrolling
    this.#draw(entry);
    if (this.#stuck || entry.mine) this.toEnd();
  }

  /** Marks, dots and the pill, as they are now. */
  refresh() {
    const talk = this.#talk;
    if (!talk) return;
    for (const [entry, mark] of this.#marks) this.#paint(mark, talk.mark(entry));
    this.#dots(talk);
    this.#pill.hidden = this.#stuck || talk.unread === 0;
    this.#pill.textContent = this.#say("news", { n: talk.unread });
  }

  /** By a person, or because there is less room than there was: then what was in sight stays so. */
  #scrolled() {
    const { clientHeight } = this.#scroll;
    const resized = clientHeight !== this.#height;
    this.#height = clientHeight;
    if (resized && this.#stuck) return this.toEnd();
    const was = this.#stuck;
    this.#stuck = this.#atEnd();
    return this.#stuck && !was && this.#seen();
  }

  toEnd() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#stuck = true;
    this.#seen();
  }

  #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  #draw(entry) {
    const before = this.#last;
    this.#last = entry;
    const dots = this.#list.querySelector(".dots");
    const put = (node) => this.#list.insertBefore(node, dots);
    const day = this.#dayOf(entry.at);
    if (!before || day !== this.#dayOf(before.at)) put(make("p", { className: "day" }, day));
    if (entry.note) {
      const name = this.#talk.partnerName;
      put(make("p", { className: "note" }, this.#say(entry.note, { name })));
      return;
    }
    const close = before && !before.note && before.mine === entry.mine && entry.at - before.at < GROUP;
    put(this.#bubble(entry, close));
  }

  #bubble(entry, close) {
    const who = entry.mine ? this.#say("you") : this.#talk.partnerName;
    const mark = entry.mine ? make("span", { className: "mark" }) : null;
    const kind = `${entry.mine ? "mine" : "theirs"}${close ? " close" : ""}`;
    const bubble = make(
      "div",
      { className: `bubble ${kind}${isEmoji(entry.text) ? " large" : ""}` },
      make("span", { className: "unseen" }, `${who}: `),
      make("span", { className: "text", dir: "auto" }, ...rich(entry.text)),
      make(
        "span",
        { className: "when" },
        make("time", { dateTime: new Date(entry.at).toISOString() }, this.#time.format(entry.at)),
        mark,
      ),
    );
    if (mark) {
      this.#marks.set(entry, mark);
      this.#paint(mark, this.#talk.mark(entry));
    }
    return bubble;
  }

  #paint(mark, state) {
    if (mark.dataset.state === state) return;
    mark.dataset.state = state;
    mark.setAttribute("aria-live", state === "failed" ? "polite" : "off"); // three words for each message are too many
    mark.replaceChildren(
      make("span", { "aria-hidden": "true" }, MARKS[state]),
      make("span", { className: state === "failed" ? "" : "unseen" }, ` ${this.#say(state)}`),
    );
  }

  #dots(talk) {
    const dots = this.#list.querySelector(".dots");
    if (talk.typing === Boolean(dots)) return;
    if (dots) return dots.remove();
    const name = { name: talk.partnerName };
    this.#scrolled();
    this.#list.append(
      make("div", { className: "bubble theirs dots" },
        make("i"), make("i"), make("i"),
        make("span", { className: "unseen" }, this.#say("typing", name))),
    );
    if (this.#stuck) this.toEnd();
  }

  #dayOf(at) {
    const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 864e5);
    if (days === 0) return this.#say("today");
    return days === 1 ? this.#say("yesterday") : this.#day.format(at);
  }
}
