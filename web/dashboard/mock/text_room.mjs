// @ts-check
/**
 * A model of the daemon's side of the text session (the rule is in ../src/text/transform.js), in code points.
 * The mock daemon serves it, and the unit tests check the page's side against it.
 */
import { after, changes_of, push, Reader, trimmed } from "../src/text/transform.js";

/** @typedef {import("../src/text/transform.js").Delta} Delta */
/** @typedef {[number, number, string]} Change */

/** @param {string} s */
export const points = (s) => Array.from(s).length;

/** First `a`, then `b`, as one. @param {Delta} a @param {Delta} b @returns {Delta} */
function then(a, b) {
  /** @type {Delta} */ const out = [];
  const first = new Reader(a);
  const second = new Reader(b);
  while (!first.done || !second.done) {
    if (second.kind === "insert") {
      push(out, "insert", second.left, second.text);
      second.advance(second.left);
    } else if (first.kind === "remove") {
      push(out, "remove", first.left);
      first.advance(first.left);
    } else {
      const size = Math.min(first.left, second.left);
      if (first.kind === "insert") {
        const text = Array.from(first.text).slice(first.used, first.used + size);
        if (second.kind === "keep") push(out, "insert", size, text.join(""));
      } else push(out, second.kind, size);
      first.advance(size);
      second.advance(size);
    }
  }
  return trimmed(out);
}

/** The delta of a message, in code points. @param {Change[]} changes @returns {Delta} */
export function delta_of(changes) {
  /** @type {Delta} */ let all = [];
  for (const [at, del, ins] of changes) {
    /** @type {Delta} */ const one = [];
    push(one, "keep", at);
    push(one, "insert", points(ins), ins);
    push(one, "remove", del);
    all = then(all, one);
  }
  return all;
}

/** A position after a delta. @param {number} p @param {Delta} delta @param {boolean} right of what is inserted there */
export function moved_position(p, delta, right) {
  let at = 0;
  let moved = p;
  for (const { kind, size } of delta) {
    if (at > p) break;
    if (kind === "insert" && (at < p || right)) moved += size;
    if (kind === "remove") moved -= Math.min(size, p - at);
    if (kind !== "insert") at += size;
  }
  return moved;
}

/** One text and everybody who has it open. `Session.send` gets what goes to that client. */
export class TextRoom {
  /** @param {string} text */
  constructor(text) {
    this.text = Array.from(text);
    /** @type {Set<Session>} */ this.sessions = new Set();
  }

  string() {
    return this.text.join("");
  }

  /** @param {Delta} delta */
  apply(delta) {
    for (const [at, del, ins] of changes_of(delta)) {
      if (at < 0 || at + del > this.text.length) throw new Error(`position ${at} is outside the text`);
      this.text.splice(at, del, ...Array.from(ins));
    }
  }

  /** @param {(message: any) => void} send @param {string} device */
  open(send, device) {
    const session = new Session(this, send, device);
    this.sessions.add(session);
    return session;
  }
}

export class Session {
  /** @param {TextRoom} room @param {(message: any) => void} send @param {string} device */
  constructor(room, send, device) {
    this.room = room;
    this.send = send;
    this.device = device;
    this.rev = 0;
    /** @type {{ rev: number, delta: Delta }[]} */ this.sent = [];
    /** @type {{ anchor: number, head: number } | null} */ this.cursor = null;
  }

  /** The client's edit, based on revision `rev`. @param {number} rev @param {Change[]} changes */
  edit(rev, changes) {
    const delta = this.rebased(rev, delta_of(changes));
    this.room.apply(delta);
    this.rev += 1;
    this.send({ type: "ack", rev: this.rev });
    for (const other of this.room.sessions) {
      other.move_cursor(delta, other === this);
      if (other !== this) other.told(delta, this.device);
    }
  }

  /** @param {number} rev @param {Delta} delta */
  rebased(rev, delta) {
    this.sent = this.sent.filter((m) => m.rev > rev);
    for (const m of this.sent) [delta, m.delta] = [after(delta, m.delta, true), after(m.delta, delta, false)];
    return delta;
  }

  /** @param {Delta} delta @param {string} device */
  told(delta, device) {
    this.rev += 1;
    this.sent.push({ rev: this.rev, delta });
    this.send({ type: "changes", rev: this.rev, device, changes: changes_of(delta) });
  }

  /** @param {number} rev @param {number} anchor @param {number} head */
  point(rev, anchor, head) {
    for (const m of this.sent) {
      if (m.rev <= rev) continue;
      anchor = moved_position(anchor, m.delta, false);
      head = moved_position(head, m.delta, false);
    }
    this.cursor = { anchor, head };
  }

  /** @param {Delta} delta @param {boolean} own */
  move_cursor(delta, own) {
    if (!this.cursor) return;
    this.cursor = {
      anchor: moved_position(this.cursor.anchor, delta, own),
      head: moved_position(this.cursor.head, delta, own),
    };
  }

  close() {
    this.room.sessions.delete(this);
  }
}
