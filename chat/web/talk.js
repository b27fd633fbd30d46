/**
 * One conversation as this page knows it: what was said, and how far it got. Knows neither page nor wire.
 */

const MOST_KEPT = 500; // messages

export class Talk {
  /** From what `toJSON` gave, or a new one: {sessionId, partnerId, partnerName}. */
  constructor(fields) {
    Object.assign(
      this,
      {
        entries: [], // {id, mine, text, at, msgId, failed} or {note, at}, oldest first
        open: true,
        lost: false, // it ended since we were away
        away: false,
        unread: 0,
        readTo: 0, // the last of ours that the partner has read
        lastHeard: 0, // the last of theirs
        older: false, // whether some are not kept
        draft: "",
      },
      fields,
    );
    this.typing = false;
  }

  heard(msgId, text, at) {
    const entry = this.#add({ mine: false, text, at, msgId });
    this.lastHeard = msgId;
    this.typing = false;
    return entry;
  }

  said(id, text, at) {
    return this.#add({ id, mine: true, text, at });
  }

  noted(note, at) {
    return this.#add({ note, at });
  }

  /** Of one of our messages: recorded under that number, or not to be sent. */
  settled(id, change) {
    const entry = this.entries.findLast((one) => one.id === id);
    return entry && Object.assign(entry, change);
  }

  /** "sending", "sent", "read" or "failed". */
  mark(entry) {
    if (entry.failed) return "failed";
    if (!entry.msgId) return "sending";
    return entry.msgId <= this.readTo ? "read" : "sent";
  }

  /** Whether anything was said: then leaving is asked twice. */
  get begun() {
    return this.entries.some((entry) => !entry.note);
  }

  /** Of the partner: "here", "away" or "gone". */
  get presence() {
    if (!this.open) return "gone";
    return this.away ? "away" : "here";
  }

  /** For the times when storage is short. */
  forgetHalf() {
    this.older = true;
    this.entries.splice(0, Math.ceil(this.entries.length / 2));
  }

  toJSON() {
    const { typing, ...kept } = this;
    return kept;
  }

  #add(entry) {
    this.entries.push(entry);
    if (this.entries.length > MOST_KEPT) {
      this.older = true;
      this.entries.shift();
    }
    return entry;
  }
}
