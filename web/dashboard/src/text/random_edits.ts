/** Random edits for the tests, all drawn from a seed. */
import type { WireChange } from "./units";

/** A source of whole numbers in [0, n): xorshift32. */
export function random_source(seed: number): (n: number) => number {
  let x = (seed * 2654435761) >>> 0 || 1;
  const next = (): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    x >>>= 0;
    return x;
  };
  for (let i = 0; i < 8; i++) next();
  return (n) => (n <= 0 ? 0 : next() % n);
}

/** The text after changes, by code points: the definition, not fast. */
export function spliced(text: string, changes: readonly WireChange[]): string {
  const points = Array.from(text);
  for (const [at, del, ins] of changes) points.splice(at, del, ...Array.from(ins));
  return points.join("");
}

const alphabet = ["x", "y", "z", "\n", "\r", "é", "😀", "𝕏", "שלום", " "];

export function random_changes(random: (n: number) => number, text: string, count: number): WireChange[] {
  const out: WireChange[] = [];
  let length = Array.from(text).length;
  for (let i = 0; i < count; i++) {
    const at = random(length + 1);
    const del = random(3) === 0 ? random(Math.min(4, length - at) + 1) : 0;
    let ins = "";
    if (del === 0 || random(3) === 0)
      for (let n = 1 + random(3); n > 0; n--) ins += alphabet[random(alphabet.length)] ?? "";
    out.push([at, del, ins]);
    length += Array.from(ins).length - del;
  }
  return out;
}
