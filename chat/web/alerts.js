/** What tells people that something came while they look elsewhere: the title, a sound, a notification. */

import { find, make } from "./dom.js";

const BELL = "M6 17V11a6 6 0 0 1 12 0v6l1.500 2h-15zM10 21h4";

export class Alerts {
  #button = find("#alerts");
  #say;
  #title;
  #changed;
  #on;
  #sound = null;

  /** `changed(on)` is called when they are switched. */
  constructor(say, on, changed) {
    this.#say = say;
    this.#title = say("title");
    this.#changed = changed;
    this.#on = on;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", BELL);
    svg.append(path);
    this.#button.append(svg, make("span", { className: "slash" }));
    this.#button.addEventListener("click", () => this.#switch(!this.#on));
    this.#draw();
  }

  /** A gesture of the person: from now on sound is allowed. */
  unlock() {
    if (this.#on && "AudioContext" in globalThis) this.#sound ??= new AudioContext();
  }

  title(unread, name) {
    const who = name.replace(/\p{Bidi_C}/gu, ""); // a title cannot keep a name to itself
    document.title = `${unread ? `(${unread}) ` : ""}${who ? `${who} – ` : ""}${this.#title}`;
  }

  /** Something came to a page that nobody sees. */
  call(text, shown) {
    if (!this.#on || !document.hidden) return;
    this.#ring();
    if (globalThis.Notification?.permission !== "granted") return;
    try {
      const note = new Notification(text, { tag: "chat", icon: find("link[rel=icon]").href });
      note.addEventListener("click", () => {
        window.focus();
        note.close();
        shown();
      });
    } catch {
      // Some phones have notifications of service workers only; the sound has to do.
    }
  }

  #switch(on) {
    this.#on = on;
    this.unlock();
    if (on && globalThis.Notification?.permission === "default")
      void Promise.resolve(Notification.requestPermission()).catch(() => {});
    this.#draw();
    this.#changed(on);
  }

  #draw() {
    const label = this.#say(this.#on ? "alertsOn" : "alertsOff");
    this.#button.setAttribute("aria-label", label);
    this.#button.title = label;
    this.#button.classList.toggle("off", !this.#on);
  }

  #ring() {
    const sound = this.#sound;
    if (!sound) return;
    void sound.resume();
    const volume = sound.createGain();
    const tone = sound.createOscillator();
    const now = sound.currentTime;
    tone.frequency.setValueAtTime(660, now);
    tone.frequency.setValueAtTime(880, now + 0.09);
    volume.gain.setValueAtTime(0.08, now);
    volume.gain.exponentialRampToValueAtTime(0.0001, now + 0.35);
    tone.connect(volume).connect(sound.destination);
    tone.start(now);
    tone.stop(now + 0.36);
  }
}
