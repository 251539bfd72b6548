import { describe, expect, it } from "vitest";
import { delta_of } from "../../mock/text_room.mjs";
import { random_changes, random_source, spliced } from "./random_edits";
import { changes_of, after as rebased } from "./transform.js";
import type { WireChange } from "./units";

/** The text by both ways round: server first, client first. */
const run = (text: string, client: WireChange[], server: WireChange[]): [string, string] => {
  const c = delta_of(client);
  const s = delta_of(server);
  return [
    spliced(spliced(text, server), changes_of(rebased(c, s, true))),
    spliced(spliced(text, client), changes_of(rebased(s, c, false))),
  ];
};

const both = (text: string): [string, string] => [text, text];

describe("the rule", () => {
  it("leaves the server's insertion left at one position", () => {
    expect(run("ac", [[1, 0, "Y"]], [[1, 0, "X"]])).toEqual(both("aXYc"));
  });
  it("keeps an insertion inside a deleted range", () => {
    expect(run("abcd", [[2, 0, "Y"]], [[1, 2, ""]])).toEqual(both("aYd"));
    expect(run("abcd", [[1, 2, ""]], [[2, 0, "X"]])).toEqual(both("aXd"));
  });
  it("deletes what both delete once", () => {
    expect(run("abcdef", [[1, 3, ""]], [[2, 3, ""]])).toEqual(both("af"));
  });
  it("takes the insertion of a change first", () => {
    expect(run("abc", [[1, 1, "Y"]], [[2, 0, "X"]])).toEqual(both("aYXc"));
    expect(run("abc", [[1, 1, "Y"]], [[1, 0, "X"]])).toEqual(both("aXYc"));
  });
  it("takes a message as one", () => {
    const removed: WireChange[] = [
      [2, 0, "X"],
      [1, 1, ""],
    ];
    expect(run("abc", [[1, 0, "Y"]], removed)).toEqual(both("aXYc"));
    const c = rebased(delta_of([[1, 0, "Y"]]), delta_of([[2, 0, "X"]]), true);
    expect(spliced("aXc", changes_of(rebased(c, delta_of([[1, 1, ""]]), true)))).toBe("aYXc");
  });
  it("closes for any two messages", () => {
    for (let seed = 1; seed <= 4000; seed++) {
      const random = random_source(seed);
      const text = "abcdefgh".slice(0, random(9));
      const client = random_changes(random, text, 1 + random(4));
      const server = random_changes(random, text, 1 + random(4));
      const [first, second] = run(text, client, server);
      expect(first, `seed ${seed}`).toBe(second);
    }
  });
});

describe("a delta", () => {
  it("is what its changes do, and its normal form is unique", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const random = random_source(seed);
      const text = "abc😀efgh";
      const changes = random_changes(random, text, 1 + random(5));
      const delta = delta_of(changes);
      expect(spliced(text, changes_of(delta)), `seed ${seed}`).toBe(spliced(text, changes));
      expect(delta_of(changes_of(delta)), `seed ${seed}`).toEqual(delta);
    }
  });
});
