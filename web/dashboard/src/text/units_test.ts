import { ChangeSet } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import { diff } from "./diff";
import { random_changes, random_source, spliced } from "./random_edits";
import { changes_of } from "./transform.js";
import {
  change_set,
  delta_of,
  from_wire,
  has_astral,
  points_between,
  splits_pair,
  text_of,
  to_wire,
  unit_at,
} from "./units";

const sample = "aé😀\n𝕏b\r\nשלום😀😀";

describe("positions", () => {
  it("count code points", () => {
    const doc = text_of(sample);
    const points = Array.from(sample);
    let unit = 0;
    points.forEach((c, point) => {
      expect(unit_at(doc, point)).toBe(unit);
      expect(points_between(doc, 0, unit)).toBe(point);
      unit += c.length;
    });
    expect(unit_at(doc, points.length)).toBe(sample.length);
    expect(unit_at(doc, points.length + 5)).toBe(sample.length);
  });
  it("keep carriage returns as characters", () => {
    expect(text_of("a\r\nb").length).toBe(4);
    expect(text_of("a\r\nb").toString()).toBe("a\r\nb");
  });
  it("know where a pair would be split", () => {
    expect(splits_pair("a😀", 2)).toBe(true);
    expect(splits_pair("a😀", 1)).toBe(false);
    expect(splits_pair("a😀", 3)).toBe(false);
  });
});

describe("the wire", () => {
  it("brings every change over and back", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const random = random_source(seed);
      const wire = random_changes(random, sample, 1 + random(5));
      const doc = text_of(sample);
      const read = from_wire(wire, doc, true);
      expect(read.doc.toString(), `seed ${seed}`).toBe(spliced(sample, wire));
      expect(spliced(sample, to_wire(changes_of(delta_of(read.changes)), doc, true))).toBe(read.doc.toString());
    }
  });
  it("takes the fast path to the same place", () => {
    const doc = text_of("plain text");
    const change = ChangeSet.of(
      [
        { from: 0, to: 2, insert: "X" },
        { from: 6, insert: "YY" },
      ],
      doc.length,
    );
    const delta = delta_of(change);
    expect(change_set(delta, doc.length).apply(doc).toString()).toBe(change.apply(doc).toString());
    const changes = changes_of(delta);
    expect(to_wire(changes, doc, false)).toEqual(to_wire(changes, doc, true));
    expect(spliced("plain text", to_wire(changes, doc, false))).toBe(change.apply(doc).toString());
    expect(has_astral("שלום é")).toBe(false);
  });
  it("refuses what lies outside the text", () => {
    expect(() => from_wire([[11, 0, "x"]], text_of("plain text"), false)).toThrow(RangeError);
    expect(() => from_wire([[9, 2, ""]], text_of("plain text"), false)).toThrow(RangeError);
  });
});

describe("diff", () => {
  const rebuilt = (a: string, b: string): string => {
    let out = "";
    let at = 0;
    for (const h of diff(a, b)) {
      out += a.slice(at, h.from) + h.insert;
      at = h.to;
      for (const edge of [h.from, h.to]) expect(splits_pair(a, edge)).toBe(false);
    }
    return out + a.slice(at);
  };
  it("is nothing between equals", () => expect(diff(sample, sample)).toEqual([]));
  it("finds the smallest hunks", () => {
    expect(diff("one two three", "one 2 three!")).toEqual([
      { from: 4, to: 7, insert: "2" },
      { from: 13, to: 13, insert: "!" },
    ]);
  });
  it("does not split a character", () => expect(diff("😀", "😁")).toEqual([{ from: 0, to: 2, insert: "😁" }]));
  it("turns any text into any other", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const random = random_source(seed);
      const b = spliced(sample, random_changes(random, sample, random(8)));
      expect(rebuilt(sample, b), `seed ${seed}`).toBe(b);
      expect(rebuilt(b, sample), `seed ${seed}`).toBe(sample);
    }
  });
  it("gives up in time on texts with nothing in common", () => {
    const a = "a".repeat(50_000);
    const b = "b".repeat(50_000);
    expect(rebuilt(a, b)).toBe(b);
  });
});
