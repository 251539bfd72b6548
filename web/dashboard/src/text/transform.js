// @ts-check
/**
 * The rule by which concurrent edits of one text pass each other. THE DAEMON MUST DO EXACTLY THE SAME (its side is
 * src/host/api/text_delta.h): otherwise the page and the device show different texts.
 *
 * A delta is one pass over a text: keep, remove and insert steps; what follows the last step is kept. Its normal form
 * is unique: equal neighbours are joined, no step is empty, the last is no keep, and an insertion next to a removal
 * comes first (so all insertions into one run of removed text stand at its start, in order).
 *
 * One message, "edit" or "changes", is one delta: its changes [position, deleted, inserted], each in the text left by
 * the one before, composed and brought to normal form.
 *
 * `after(mine, theirs, theirs_left)`: both start from one text; the result does what `mine` did, to the text that
 * `theirs` left. Walk both at once:
 *     theirs inserts, and (mine does not, or theirs_left)   keep what they inserted
 *     mine inserts                                          insert it
 *     otherwise, the shorter piece of both:                 keep or remove as mine does; nothing if theirs removed it
 * The result is in normal form again. For any a and b from one text, a then after(b, a, true) leaves the same text as
 * b then after(a, b, false).
 *
 * The server, on an edit with revision R: e = its delta; for every "changes" that it sent to that connection for that
 * document with a revision above R, ONE BY ONE, in order, never composed, with s = that message's delta:
 *     [e, s] = [after(e, s, true), after(s, e, false)]       (the server's insertion stays left)
 * Then e applies to the text, and the ack counts as one revision. The client does the same with its edit under way and
 * every "changes" that arrives. Composing first would be a different rule: in "abc", X inserted after b and then b
 * removed, against Y inserted before b, gives aYXc one by one and aXYc composed.
 *
 * Lengths are in whatever unit both sides agree on: code points on the wire and in the daemon, UTF-16 units inside
 * the page. The outcome is the same, as long as no position falls inside a surrogate pair.
 *
 * @typedef {{ kind: "keep" | "remove" | "insert", size: number, text: string }} Step `text` only for insert
 * @typedef {Step[]} Delta
 */

/**
 * Adds a step at the end, in normal form.
 * @param {Delta} delta @param {Step["kind"]} kind @param {number} size @param {string} [text]
 */
export function push(delta, kind, size, text = "") {
  if (size === 0) return;
  let at = delta.length;
  if (kind === "insert" && delta[at - 1]?.kind === "remove") at--;
  const last = delta[at - 1];
  if (last?.kind === kind) delta[at - 1] = { kind, size: last.size + size, text: last.text + text };
  else delta.splice(at, 0, { kind, size, text });
}

/** Without a keep at the end. @param {Delta} delta */
export function trimmed(delta) {
  while (delta.at(-1)?.kind === "keep") delta.pop();
  return delta;
}

/** Reads a delta in pieces; past its end everything is kept. */
export class Reader {
  /** @param {Delta} delta */
  constructor(delta) {
    this.delta = delta;
    this.at = 0;
    this.used = 0;
  }
  get done() {
    return this.at >= this.delta.length;
  }
  get kind() {
    return this.delta[this.at]?.kind ?? "keep";
  }
  get left() {
    const step = this.delta[this.at];
    return step ? step.size - this.used : Number.POSITIVE_INFINITY;
  }
  get text() {
    return this.delta[this.at]?.text ?? "";
  }
  /** @param {number} size */
  advance(size) {
    const step = this.delta[this.at];
    if (!step) return;
    this.used += size;
    if (this.used < step.size) return;
    this.at++;
    this.used = 0;
  }
}

/** The rule. @param {Delta} mine @param {Delta} theirs @param {boolean} theirs_left @returns {Delta} */
export function after(mine, theirs, theirs_left) {
  /** @type {Delta} */ const out = [];
  const m = new Reader(mine);
  const t = new Reader(theirs);
  while (!m.done) {
    if (!t.done && t.kind === "insert" && (m.kind !== "insert" || theirs_left)) {
      push(out, "keep", t.left);
      t.advance(t.left);
    } else if (m.kind === "insert") {
      push(out, "insert", m.left, m.text);
      m.advance(m.left);
    } else {
      const size = Math.min(m.left, t.left);
      if (t.kind !== "remove") push(out, m.kind, size);
      m.advance(size);
      t.advance(size);
    }
  }
  return trimmed(out);
}

/**
 * As changes, one a place: [position, deleted, inserted], each position in the text left by the one before.
 * @param {Delta} delta @returns {[number, number, string][]}
 */
export function changes_of(delta) {
  /** @type {[number, number, string][]} */ const changes = [];
  let position = 0;
  /** @type {[number, number, string] | null} */ let open = null;
  for (const { kind, size, text } of delta) {
    if (kind === "keep") {
      position += size;
      open = null;
      continue;
    }
    if (!open) {
      open = [position, 0, ""];
      changes.push(open);
    }
    if (kind === "remove") open[1] += size;
    else {
      open[2] += text;
      position += size;
    }
  }
  return changes;
}
