import { describe, expect, it } from "vitest";
import type { Device, Status } from "./api";
import { readable } from "./colors";
import {
  ago,
  bytes,
  count,
  duration,
  fingerprint_groups,
  groups,
  lag,
  lifting,
  pod_sentence,
  removal,
  rotation,
} from "./words";

const device = (name: string, more: Partial<Device> = {}): Device => ({
  id: name,
  name,
  peer_id: "",
  this: false,
  kind: "personal",
  online: true,
  role: "follower",
  voter: true,
  established: true,
  suspended: false,
  lag_events: 0,
  last_seen_ms: 0,
  storage_bytes: 0,
  addresses: [],
  ...more,
});

describe("times, sizes, numbers", () => {
  it("are what people say", () => {
    const now = Date.UTC(2026, 10, 23, 12);
    expect(ago(now - 5_000, now)).toBe("just now");
    expect(ago(now - 120_000, now)).toBe("2 minutes ago");
    expect(ago(now - 26 * 3_600_000, now)).toBe("yesterday");
    expect(ago(now + 60_000, now)).toBe("just now");
    expect([bytes(999), bytes(4_180_000), bytes(12_000_000)]).toEqual(["999 bytes", "4.2 MB", "12 MB"]);
    expect([count(1, "change"), count(2, "change")]).toEqual(["1 change", "2 changes"]);
    expect(duration(3 * 3_600_000)).toBe("3 hours");
  });
  it("group codes and fingerprints", () => {
    expect(groups("ABCDE-FGHIJ-K")).toEqual(["ABCDE", "FGHIJ", "K"]);
    expect(groups("ABCDEFGHIJK")).toEqual(["ABCDE", "FGHIJ", "K"]);
    expect(fingerprint_groups("7F3A91C2")).toBe("7F3A 91C2");
    expect(fingerprint_groups("7F3A 91C2")).toBe("7F3A 91C2");
  });
});

describe("what removing a device takes", () => {
  const laptop = device("laptop", { this: true });
  const phone = device("phone");
  const tablet = device("tablet");
  it("nothing, for a device that has no full say yet", () => {
    const fresh = device("fresh", { established: false });
    expect(removal(fresh, [laptop, fresh]).ready).toBe(true);
  });
  it("the paper, when the lost device would be the second yes", () => {
    expect(removal(phone, [laptop, phone])).toEqual({
      ready: false,
      ask: false,
      text: "Needs your paper key: no other device of yours can say yes.",
    });
    const fresh = device("fresh", { this: true, established: false });
    expect(removal({ ...laptop, this: false }, [{ ...laptop, this: false }, fresh]).ask).toBe(false);
  });
  it("another device's yes or the paper, with three", () => {
    expect(removal(phone, [laptop, phone, tablet])).toEqual({
      ready: false,
      ask: true,
      text: "Needs a yes on tablet as well, or your paper key.",
    });
    expect(removal(phone, [laptop, phone, { ...tablet, suspended: true }]).ask).toBe(false);
  });
  it("for a new key, this device's own yes counts, and being the only one with a full say is no bar", () => {
    expect(rotation(laptop, [laptop, { ...phone, established: false }]).ready).toBe(true);
    expect(rotation(laptop, [laptop, phone])).toEqual({
      ready: false,
      ask: true,
      text: "Needs a yes on phone as well, or your paper key.",
    });
  });
  it("the same for lifting a suspension", () => {
    expect(lifting({ ...phone, suspended: true }, [laptop, { ...phone, suspended: true }, tablet])).toEqual({
      ready: false,
      ask: true,
      text: "Needs a yes on tablet as well, or your paper key.",
    });
    expect(lifting(phone, [laptop, { ...phone, established: false }]).ready).toBe(true);
  });
  it("one established device, for a device in the cloud", () => {
    const cloud = device("cloud", { kind: "cloud" });
    expect(removal(cloud, [laptop, phone, cloud]).ready).toBe(true);
    expect(removal(cloud, [{ ...laptop, established: false }, phone, cloud]).text).toContain("phone");
  });
});

describe("sentences", () => {
  it("name the pod's state without jargon", () => {
    const status = { devices: 3, quorum: { voters: 3, reachable: 1, ok: false } } as Status;
    expect(pod_sentence(status)).toMatchObject({ good: false });
    expect(pod_sentence({ ...status, devices: 1 }).good).toBe(true);
    expect(lag(device("x", { online: false, lag_events: 2 }))).toBe("2 changes to fetch when it is back");
  });
});

describe("people's colours", () => {
  it("are readable under white text", () => {
    expect(readable("#b3261e", "a")).toBe("#b3261e");
    expect(readable("#ffff00", "a")).not.toBe("#ffff00");
    expect(readable("red;background:url(x)", "a")).toMatch(/^#[0-9a-f]{6}$/);
  });
});
