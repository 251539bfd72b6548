/**
 * What changed between two texts, when only the texts are known (after a lost connection). Common ends are cut off,
 * what remains is compared by Myers' O(ND) algorithm (Algorithmica 1, 1986) up to a bounded effort; beyond that the
 * middle counts as replaced. Never splits a surrogate pair.
 */
import { ChangeSet } from "@codemirror/state";
import { splits_pair, text_of } from "./units";

/** [from, to) of the old text became `insert`. */
export interface Hunk {
  from: number;
  to: number;
  insert: string;
}

const effort_max = 600;

export function diff(a: string, b: string): Hunk[] {
  let start = 0;
  const shorter = Math.min(a.length, b.length);
  while (start < shorter && a.charCodeAt(start) === b.charCodeAt(start)) start++;
  if (splits_pair(a, start) || splits_pair(b, start)) start--;
  let end_a = a.length;
  let end_b = b.length;
  while (end_a > start && end_b > start && a.charCodeAt(end_a - 1) === b.charCodeAt(end_b - 1)) {
    end_a--;
    end_b--;
  }
  if (splits_pair(a, end_a) || splits_pair(b, end_b)) {
    end_a++;
    end_b++;
  }
  if (start === end_a && start === end_b) return [];
  const middle = myers(Array.from(a.slice(start, end_a)), Array.from(b.slice(start, end_b)));
  if (!middle) return [{ from: start, to: end_a, insert: b.slice(start, end_b) }];
  return middle.map((h) => ({ from: h.from + start, to: h.to + start, insert: h.insert }));
}

/** Shortest edit script over whole characters, or null when it takes more than `effort_max` edits. */
function myers(a: readonly string[], b: readonly string[]): Hunk[] | null {
  const limit = Math.min(effort_max, a.length + b.length);
  let reach = new Int32Array(2 * limit + 3);
  const rounds: Int32Array[] = [];
  const mid = limit + 1;
  for (let d = 0; d <= limit; d++) {
    rounds.push(reach.slice(mid - d - 1, mid + d + 2));
    const next = reach.slice();
    for (let k = -d; k <= d; k += 2) {
      let x = down(reach, mid, d, k) ? at(reach, mid + k + 1) : at(reach, mid + k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      next[mid + k] = x;
      if (x >= a.length && x - k >= b.length) return backtrack(a, b, rounds, d);
    }
    reach = next;
  }
  return null;
}

const at = (row: Int32Array, i: number): number => row[i] ?? 0;

const down = (row: Int32Array, mid: number, d: number, k: number): boolean =>
  k === -d || (k !== d && at(row, mid + k - 1) < at(row, mid + k + 1));

function backtrack(a: readonly string[], b: readonly string[], rounds: readonly Int32Array[], edits: number): Hunk[] {
  const removed = new Uint8Array(a.length);
  const added = new Uint8Array(b.length);
  let x = a.length;
  let y = b.length;
  for (let d = edits; d > 0; d--) {
    const row = rounds[d] ?? new Int32Array(0);
    const mid = d + 1;
    const k = x - y;
    const inserts = down(row, mid, d, k);
    const k_before = inserts ? k + 1 : k - 1;
    x = at(row, mid + k_before);
    y = x - k_before;
    if (inserts) added[y] = 1;
    else removed[x] = 1;
  }
  return hunks(a, b, removed, added);
}

function hunks(a: readonly string[], b: readonly string[], removed: Uint8Array, added: Uint8Array): Hunk[] {
  const out: Hunk[] = [];
  let unit = 0;
  let j = 0;
  for (let i = 0; i <= a.length; ) {
    const hunk: Hunk = { from: unit, to: unit, insert: "" };
    while (removed[i] || added[j]) {
      if (removed[i]) hunk.to = unit += a[i++]?.length ?? 0;
      else hunk.insert += b[j++] ?? "";
    }
    if (hunk.to > hunk.from || hunk.insert) out.push(hunk);
    unit += a[i]?.length ?? 0;
    i++;
    j++;
  }
  return out;
}

/** Characters touched: how unlikely it is that this happened. */
export const cost = (all: readonly Hunk[]): number =>
  all.reduce((sum, h) => sum + (h.to - h.from) + h.insert.length, 0);

export const hunk_set = (all: readonly Hunk[], length: number): ChangeSet =>
  ChangeSet.of(
    all.map((h) => ({ from: h.from, to: h.to, insert: text_of(h.insert) })),
    length,
  );
