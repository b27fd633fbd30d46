/** The page: what the client tells becomes talks, and what people do becomes wishes of the client. */

import { Alerts } from "./alerts.js";
import { ChatClient } from "./client.js";
import { Composer } from "./composer.js";
import { find } from "./dom.js";
import { Log } from "./log.js";
import { Store } from "./store.js";
import { choose, speak } from "./strings.js";
import { Talk } from "./talk.js";
import { SEARCH, View } from "./view.js";

const language = choose(navigator.languages);
const say = speak(language);
const store = new Store(() => sessionStorage);
const saved = store.read();
const TYPING = 6000; // ms after which nobody types any more who has not said so again
const SURE = 4000; // ms to press again
const BACK = 4000; // ms that good news is shown

class Page {
  #talks = new Map((saved.talks ?? []).map((talk) => [talk.sessionId, new Talk(talk)]));
  #active = saved.active ?? null; // the sessionId of the talk that is shown
  #client = saved.client;
  #name = saved.name ?? "";
  #alertsOn = saved.alerts ?? true;
  #since = saved.since ?? 0; // when the search began
  #newsTimer = null;
  #wasOffline = false;
  #calms = new Set(); // what takes back a question that was not answered
  #chat = new ChatClient(new URL("ws", location.href).href.replace(/^http/, "ws"), {
    saved: saved.client,
    save: (client) => this.#keep(client),
  });
  #alerts = new Alerts(say, this.#alertsOn, (on) => {
    this.#alertsOn = on;
    this.#keep();
  });
  #log = new Log(say, language, () => this.#seen());
  #view = new View(say, (key) => this.#show(key === SEARCH ? null : Number(key)));
  #composer = new Composer(say, {
    send: (text) => this.#send(text),
    typing: (typing) => this.#talk?.open && this.#chat.typing(this.#active, typing),
    changed: (text) => {
      this.#talk.draft = text;
    },
  });

  start() {
    document.documentElement.lang = language;
    this.#view.words();
    this.#listen();
    this.#handle();
    if (!this.#name) this.#suggest();
    else find("#nickname").value = this.#name;
    if (saved.client?.account) this.#chat.connect();
    this.#show(this.#active);
  }

  get #talk() {
    return this.#talks.get(this.#active);
  }

  // -- what the client tells

  #listen() {
    const on = (type, does) =>
      this.#chat.addEventListener(type, ({ detail }) => {
        does(detail);
        this.#draw();
      });
    const inTalk = (does) => (detail) => {
      const talk = this.#talks.get(detail.sessionId);
      if (talk) does(talk, detail);
    };
    on("connection", ({ state }) => this.#connection(state));
    on("account", ({ nickName }) => {
      this.#name = nickName;
    });
    on("waiting", ({ waiting }) => {
      if (waiting) this.#since = Date.now();
      else queueMicrotask(() => this.#active ?? this.#showLast()); // where nobody new was found
    });
    on("session", (session) => this.#met(session));
    on("message", inTalk((talk, { msgId, content }) => this.#heard(talk, msgId, content)));
    on("sent", inTalk((talk, { requestId, msgId }) => talk.settled(requestId, { msgId })));
    on("refused", inTalk((talk, { requestId }) => talk.settled(requestId, { failed: true })));
    on("viewed", inTalk((talk, { msgId }) => {
      talk.readTo = msgId;
    }));
    on("typing", inTalk((talk, { typing }) => this.#types(talk, typing)));
    on("away", inTalk((talk) => {
      talk.away = true;
      talk.typing = false;
    }));
    on("back", inTalk((talk) => {
      talk.away = false;
      this.#tell(say("partnerBack", { name: talk.partnerName }));
    }));
    on("ended", inTalk((talk) => this.#ended(talk)));
    on("missed", () => {
      this.#wasOffline = false;
      if (this.#view.news === say("online")) this.#view.news = ""; // it is not so
      for (const talk of this.#talks.values()) if (talk.open) this.#note(talk, "missed");
    });
    on("full", () => this.#tell(say("full")));
  }

  #connection(state) {
    if (state === "online" && this.#wasOffline) this.#tell(say("online"));
    if (state === "offline") this.#wasOffline = this.#chat.sessions.length > 0;
    else if (state !== "connecting") this.#wasOffline = false;
  }

  #met(session) {
    const talk = new Talk(session);
    this.#talks.set(session.sessionId, talk);
    talk.noted("talking", Date.now());
    const text = say("talking", { name: session.partnerName });
    this.#alerts.call(text, () => this.#show(session.sessionId));
    if (this.#active !== null) {
      talk.unread = 1;
      return this.#tell(text);
    }
    this.#view.announce(text);
    return this.#show(session.sessionId);
  }

  #heard(talk, msgId, content) {
    const entry = talk.heard(msgId, content, Date.now());
    talk.unread += 1;
    if (talk === this.#talk) {
      this.#log.add(entry);
      if (this.#log.stuck) this.#seen();
    }
    if (talk !== this.#talk) this.#view.announce(say("newFrom", { name: talk.partnerName }));
    this.#alerts.call(say("newFrom", { name: talk.partnerName }), () => this.#show(talk.sessionId));
  }

  #types(talk, typing) {
    clearTimeout(talk.timer?.());
    talk.typing = typing;
    if (!typing) return;
    const timer = setTimeout(() => {
      talk.typing = false;
      this.#draw();
    }, TYPING);
    talk.timer = () => timer;
  }

  #ended(talk) {
    if (!talk.open) return;
    talk.open = talk.typing = talk.away = false;
    const lost = this.#chat.state === "gone";
    if (!talk.left) this.#rescue(talk);
    this.#note(talk, lost ? "ended" : talk.left ? "youLeft" : "partnerLeft");
    if (!talk.left && talk !== this.#talk) talk.unread += 1;
    if (talk === this.#talk) this.#goOn();
  }

  /** What was being written when it ended: kept, as what was not sent. */
  #rescue(talk) {
    if (talk.draft.trim() === "") return;
    const entry = Object.assign(talk.said(null, talk.draft, Date.now()), { failed: true });
    talk.draft = "";
    if (talk === this.#talk) this.#log.add(entry);
  }

  #note(talk, note) {
    const entry = talk.noted(note, Date.now());
    if (talk === this.#talk) this.#log.add(entry);
  }

  // -- what people do

  #handle() {
    const click = (selector, does) =>
      find(selector).addEventListener("click", () => {
        this.#alerts.unlock();
        does();
        this.#draw();
      });
    find("#start form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#alerts.unlock();
      this.#begin(find("#nickname").value.trim());
    });
    click("#suggest", () => this.#suggest());
    click("#cancel", () => this.#cancel());
    click("#another", () => this.#search());
    click("#next", () => this.#sure("#next", "sureNext", () => this.#next()));
    click("#leave", () => this.#sure("#leave", "sure", () => this.#leave()));
    click("#more", () => this.#next());
    click("#shut", () => this.#shut());
    click("#mend", () => this.#chat.connect());
    addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && !find("#wait").hidden) this.#cancel();
    });
    const leave = () => {
      this.#chat.flush();
      this.#keep();
    };
    for (const type of ["online", "offline", "pageshow"]) addEventListener(type, () => this.#chat.wake());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return leave();
      this.#chat.wake();
      return this.#seen();
    });
    addEventListener("pagehide", leave);
    setInterval(() => this.#chat.waiting && this.#draw(), 1000);
  }

  #begin(name) {
    // Also of an account that is still asked for, with the other name.
    if (name !== this.#name && this.#chat.state !== "closed") this.#chat.close();
    this.#name = name;
    this.#search();
  }

  #search() {
    if (!["online", "offline", "connecting"].includes(this.#chat.state)) this.#chat.connect(this.#name);
    this.#chat.match();
    this.#show(null);
    this.#goOn();
  }

  #cancel() {
    this.#chat.cancel();
    this.#showLast();
    this.#goOn();
  }

  #next() {
    this.#chat.leave(this.#active);
    this.#talks.delete(this.#active);
    this.#search();
  }

  #leave() {
    this.#talk.left = true;
    this.#chat.leave(this.#active);
    if (!this.#talk.begun) this.#shut();
  }

  #shut() {
    this.#talks.delete(this.#active);
    this.#showLast();
    this.#goOn();
  }

  #send(text) {
    try {
      this.#log.add(this.#talk.said(this.#chat.say(this.#active, text), text, Date.now()));
    } catch {
      this.#tell(say("slowDown"));
      return false;
    }
    return true;
  }

  /** What has been said is not ended by a slip of the finger: press again. */
  #sure(selector, words, does) {
    const button = find(selector);
    const calm = () => {
      delete button.dataset.sure;
      button.textContent = say(button.dataset.say);
      this.#calms.delete(calm);
    };
    if (button.dataset.sure || !this.#talk.begun) return does();
    button.dataset.sure = "yes";
    button.textContent = say(words);
    this.#calms.add(calm);
    return setTimeout(calm, SURE);
  }

  #suggest() {
    const pick = (words) => words[Math.floor(Math.random() * words.length)];
    const [adjective, animal] = [say("adjectives"), say("animals")].map((words) => pick(words.split(" ")));
    find("#nickname").value = adjective + (language === "zh" ? "" : " ") + animal;
  }

  // -- what is shown

  /** Another tab: a talk, or null for the search or the start. */
  #show(active) {
    this.#composer.show(""); // which tells the partner there that nobody types any more
    for (const calm of this.#calms) calm();
    this.#active = this.#talks.has(active) ? active : null;
    this.#draw();
    this.#log.show(this.#talk);
    this.#composer.show(this.#talk?.draft ?? "");
    this.#draw();
    const focused = document.activeElement;
    const lost = focused.getClientRects().length === 0; // it was on what is hidden now
    if (lost || (this.#talk?.open && !find("#tabs").contains(focused))) this.#goOn();
  }

  /** What is shown when nothing was chosen. */
  #showLast() {
    this.#show(this.#chat.waiting ? null : [...this.#talks.keys()].pop());
  }

  /** The end of the talk is in sight, of somebody who looks. */
  #seen() {
    const talk = this.#talk;
    if (!talk || document.hidden || !this.#log.stuck) return;
    talk.unread = 0;
    if (talk.open && talk.lastHeard > (talk.told ?? 0)) {
      talk.told = talk.lastHeard;
      this.#chat.viewed(talk.sessionId, talk.lastHeard);
    }
    this.#draw();
  }

  #draw() {
    this.#view.draw({
      talks: [...this.#talks.values()],
      talk: this.#talk,
      chat: this.#chat,
      name: this.#name,
      since: this.#since,
      coming: this.#wasOffline,
    });
    this.#log.refresh();
    const unread = [...this.#talks.values()].reduce((sum, talk) => sum + talk.unread, 0);
    this.#alerts.title(unread, this.#talk?.partnerName ?? "");
  }

  /** For a moment, in the strip. */
  #tell(words) {
    clearTimeout(this.#newsTimer);
    this.#view.news = words;
    this.#newsTimer = setTimeout(() => {
      this.#view.news = "";
      this.#draw();
    }, BACK);
  }

  /** The focus goes to what is next, after the click or key that led here, and after what it shows is there. */
  #goOn() {
    requestAnimationFrame(() => {
      const talk = this.#talk;
      // Not to a button of a talk that has ended: Enter may be on its way, for what one was writing.
      if (talk) find(talk.open ? "#message" : "#scroll").focus();
      else find(this.#chat.waiting ? "#cancel" : "#start .main").focus();
    });
  }

  // -- what outlives a reload

  #keep(client = this.#client) {
    this.#client = client;
    const state = {
      client,
      talks: [...this.#talks.values()],
      active: this.#active,
      name: this.#name,
      alerts: this.#alertsOn,
      since: this.#since,
    };
    store.write(state, () => {
      const [longest] = [...state.talks].sort((a, b) => b.entries.length - a.entries.length);
      if (!longest?.entries.length) return false;
      longest.forgetHalf();
      return true;
    });
  }
}

new Page().start();
