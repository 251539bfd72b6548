import { describe, expect, it } from "vitest";
import { act } from "./acts";
import type { LogEvent } from "./api";

const event = (more: Partial<LogEvent>): LogEvent => ({
  cid: "c",
  stream: "s",
  title: "Shopping",
  author: "a",
  device: "laptop",
  seq: 1,
  kind: "control",
  operation: null,
  size: 1,
  time_ms: 0,
  state: "local",
  ...more,
});

describe("what an event did", () => {
  it("is said in a person's words", () => {
    expect(act(event({ kind: "operations" }))).toEqual({ text: "wrote in", where: true });
    expect(act(event({ operation: "list" }))).toEqual({ text: "made a note", where: false });
    expect(act(event({ operation: "accept" })).where).toBe(true);
  });
  it("is not guessed where a later version did it", () => {
    expect(act(event({ operation: "teleport" }))).toEqual({ text: "changed the settings of", where: true });
    expect(act(event({ operation: "constructor" })).text).toBe("changed the settings of");
  });
});
