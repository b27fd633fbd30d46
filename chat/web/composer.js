/** Where one writes: Enter sends, Shift and Enter begins a line, and the partner sees that somebody types. */

import { MOST_CHARACTERS, fits } from "./client.js";
import { find } from "./dom.js";

const NEAR_THE_LIMIT = 200; // characters before it
const AGAIN = 3000; // ms between two notices, and the pause after which one has stopped typing

export class Composer {
  #form = find("#composer");
  #field = find("#message");
  #count = find("#count");
  #say;
  #does;
  #told = 0; // when the partner was last told; 0: not typing
  #pause = null;
  #counted = ""; // the key of what the count says

  /** `does` has `send(text)`, which returns whether it was taken, `typing(boolean)` and `changed(text)`. */
  constructor(say, does) {
    this.#say = say;
    this.#does = does;
    this.#field.addEventListener("input", () => this.#changed());
    this.#field.addEventListener("keydown", (event) => {
      // Enter may choose a character: while a word is composed it is not ours.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#send();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
      this.#field.focus();
    });
  }

  /** The text of another talk. */
  show(text) {
    this.#still();
    this.#field.value = text;
    this.#measure();
  }

  focus() {
    this.#field.focus();
  }

  #send() {
    const text = this.#field.value;
    if (text.trim() === "" || !fits(text) || !this.#does.send(text)) return;
    this.show("");
    this.#does.changed("");
  }

  #changed() {
    const text = this.#field.value;
    this.#measure();
    this.#does.changed(text);
    if (text.trim() === "") return this.#still();
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#still(), AGAIN);
    if (Date.now() - this.#told < AGAIN) return undefined;
    this.#told = Date.now();
    return this.#does.typing(true);
  }

  #still() {
    clearTimeout(this.#pause);
    if (this.#told) this.#does.typing(false);
    this.#told = 0;
  }

  #measure() {
    const text = this.#field.value;
    const n = [...text].length;
    const long = text !== "" && !fits(text);
    const values = { n, most: MOST_CHARACTERS };
    const near = n > MOST_CHARACTERS - NEAR_THE_LIMIT;
    const key = long ? "tooLong" : near ? "count" : "";
    // Heard when it begins and when it is too much, not with every character.
    this.#count.setAttribute("aria-live", key === this.#counted ? "off" : "polite");
    this.#counted = key;
    this.#count.textContent = key && this.#say(key, values);
    this.#form.classList.toggle("long", long);
    this.#field.setAttribute("aria-invalid", String(long));
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}
