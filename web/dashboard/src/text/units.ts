/**
 * Positions: the wire counts code points, CodeMirror counts UTF-16 units. The two differ only where a text holds
 * characters beyond U+FFFF ("astral": most emoji, some scripts), so texts without any take a path that costs nothing.
 */
import { ChangeSet, Text } from "@codemirror/state";
import { type Delta, push, trimmed } from "./transform.js";

/** [position, deleted, inserted]; in code points on the wire. */
export type WireChange = [position: number, deleted: number, inserted: string];

const surrogate = /[\uD800-\uDFFF]/;

export const has_astral = (s: string): boolean => surrogate.test(s);

const is_high = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
const is_low = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;

/** A text as CodeMirror holds it. Only "\n" ends a line, so that lengths agree with the daemon's. */
export const text_of = (s: string): Text => Text.of(s.split("\n"));

/** Whether `at` falls between the two halves of one character. */
export function splits_pair(s: string, at: number): boolean {
  return at > 0 && at < s.length && is_low(s.charCodeAt(at)) && is_high(s.charCodeAt(at - 1));
}

function pairs_in(s: string): number {
  let pairs = 0;
  for (let i = 0; i + 1 < s.length; i++) {
    if (is_high(s.charCodeAt(i)) && is_low(s.charCodeAt(i + 1))) {
      pairs++;
      i++;
    }
  }
  return pairs;
}

/** Code points between two UTF-16 positions. */
export function points_between(doc: Text, from: number, to: number): number {
  let pairs = 0;
  for (const chunk of doc.iterRange(from, to)) pairs += pairs_in(chunk);
  return to - from - pairs;
}

/** The UTF-16 position of code point `point`; the end of the text if there are fewer. */
export function unit_at(doc: Text, point: number): number {
  let units = 0;
  for (const chunk of doc.iterRange(0)) {
    if (point >= chunk.length) {
      const points = chunk.length - pairs_in(chunk);
      units += chunk.length;
      point -= points;
      continue;
    }
    for (let i = 0; i < chunk.length; i++) {
      if (point === 0) return units + i;
      if (is_high(chunk.charCodeAt(i)) && is_low(chunk.charCodeAt(i + 1))) i++;
      point--;
    }
    units += chunk.length;
  }
  return units;
}

function change_of([at, deleted, inserted]: WireChange, length: number): ChangeSet {
  return ChangeSet.of({ from: at, to: at + deleted, insert: text_of(inserted) }, length);
}

/** A change of the editor as a delta in normal form, in UTF-16 units. */
export function delta_of(changes: ChangeSet): Delta {
  const delta: Delta = [];
  let at = 0;
  changes.iterChanges((from, to, _from_b, _to_b, inserted) => {
    push(delta, "keep", from - at);
    push(delta, "insert", inserted.length, inserted.toString());
    push(delta, "remove", to - from);
    at = to;
  }, true);
  return trimmed(delta);
}

/** A delta in UTF-16 units as a change of a text of `length` units. */
export function change_set(delta: Delta, length: number): ChangeSet {
  const changes: { from: number; to: number; insert: Text }[] = [];
  let at = 0;
  for (const { kind, size, text } of delta) {
    if (kind === "insert") changes.push({ from: at, to: at, insert: text_of(text) });
    if (kind === "remove") changes.push({ from: at, to: at + size, insert: Text.empty });
    if (kind !== "insert") at += size;
  }
  return ChangeSet.of(changes, length);
}

/** To the wire. `doc` is the text the first change applies to; `astral`: whether any character needs counting. */
export function to_wire(changes: readonly WireChange[], doc: Text, astral: boolean): WireChange[] {
  if (!astral) return [...changes];
  return changes.map((c) => {
    const [at, deleted, inserted] = c;
    const change: WireChange = [points_between(doc, 0, at), points_between(doc, at, at + deleted), inserted];
    doc = change_of(c, doc.length).apply(doc);
    return change;
  });
}

/** From the wire. Throws a RangeError when a change lies outside the text: the two sides no longer agree. */
export function from_wire(wire: readonly WireChange[], doc: Text, astral: boolean): { changes: ChangeSet; doc: Text } {
  let changes = ChangeSet.empty(doc.length);
  for (const [position, deleted, inserted] of wire) {
    const from = astral ? unit_at(doc, position) : position;
    const to = astral ? unit_at(doc, position + deleted) : position + deleted;
    if (from < 0 || to < from || to > doc.length) throw new RangeError("change outside the text");
    const change = change_of([from, to - from, inserted], doc.length);
    changes = changes.compose(change);
    doc = change.apply(doc);
  }
  return { changes, doc };
}
