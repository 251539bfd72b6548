/** What the page says, in plain words. Every sentence about states, roles, times and sizes lives here. */
import type { Device, Role, SaveState, Status } from "./api";

export const save_states: Record<SaveState, { dot: string; name: string; means: string }> = {
  visible: {
    dot: "○",
    name: "on this screen",
    means: "Typed, and on its way to this device. Nothing is promised yet.",
  },
  local: { dot: "◔", name: "on this device", means: "Saved on this device. It survives a crash or a power cut here." },
  pod: {
    dot: "◑",
    name: "on another device too",
    means: "Saved on at least one more of your devices. Losing this one loses nothing.",
  },
  committed: {
    dot: "●",
    name: "in order on your pod",
    means: "Saved, and your devices agree on its place. As safe as it gets.",
  },
};

/** Order is no copy: what one device alone has put in order is as safe as that device. */
export const save_shown = (of: { state: SaveState; copied?: boolean }): SaveState =>
  of.state === "committed" && of.copied === false ? "local" : of.state;

export const save_order: SaveState[] = ["visible", "local", "pod", "committed"];

/** The page speaks English; of its kinds, the reader's. */
export const locale = /^en\b/.test(globalThis.navigator?.language ?? "") ? navigator.language : "en";
const number = new Intl.NumberFormat(locale);
export const count = (n: number, one: string, many = `${one}s`): string =>
  `${number.format(n)} ${n === 1 ? one : many}`;

export function bytes(n: number): string {
  if (n < 1000) return `${n} bytes`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = n / 1000;
  let i = 0;
  while (value >= 999.5 && i < units.length - 1) {
    value /= 1000;
    i++;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[i]}`;
}

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const steps: [Intl.RelativeTimeFormatUnit, number, number][] = [
  ["minute", 60_000, 60],
  ["hour", 3_600_000, 24],
  ["day", 86_400_000, 7],
];

/** "just now", "5 minutes ago", "yesterday", then the date. */
export function ago(then_ms: number, now_ms: number): string {
  const past = now_ms - then_ms;
  if (past < 45_000) return "just now";
  for (const [unit, size, limit] of steps) {
    const n = Math.round(past / size);
    if (n < limit) return relative.format(-n, unit);
  }
  const same_year = new Date(then_ms).getFullYear() === new Date(now_ms).getFullYear();
  return new Date(then_ms).toLocaleDateString(locale, {
    day: "numeric",
    month: "long",
    ...(same_year ? {} : { year: "numeric" }),
  });
}

export const clock = (ms: number): string =>
  new Date(ms).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return count(minutes, "minute");
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? count(hours, "hour") : count(Math.floor(hours / 24), "day");
}

const roles: Record<Role, string> = {
  leader: "Puts changes in order",
  follower: "Helps to keep the order",
  candidate: "Looking for the others",
  learner: "Keeps a copy",
  alone: "The only device so far",
};

export function role(d: Device): string {
  if (d.suspended) return "Suspended: gets nothing, sends nothing";
  if (d.role === "learner" && d.lag_events > 0) return "Catching up";
  return roles[d.role];
}

export function lag(d: Device): string {
  if (d.this) return "is where you are";
  if (d.lag_events === 0) return "up to date";
  return d.online
    ? `${count(d.lag_events, "change")} behind`
    : `${count(d.lag_events, "change")} to fetch when it is back`;
}

/** The pod in one sentence. */
export function pod_sentence(s: Status): { good: boolean; text: string } {
  if (s.devices <= 1) return { good: true, text: "One device. Everything is saved here." };
  const others = `${s.quorum.reachable} of ${s.quorum.voters} devices in reach`;
  if (s.quorum.ok) return { good: true, text: `All in order, ${others}.` };
  return {
    good: false,
    text: `On its own for now, ${others}. Go on writing: it is saved here and joins the others later.`,
  };
}

/** Full groups of a code, as a person reads them aloud. */
export const groups = (code: string): string[] =>
  code.includes("-") ? code.split("-") : (code.match(/.{1,5}/g) ?? []);

export const fingerprint_groups = (f: string): string => (/[\s-]/.test(f) ? f : (f.match(/.{1,4}/g) ?? []).join(" "));

/** What else it takes, before anybody clicks. `ready`: this device's word is enough; `ask`: others can say yes. */
export interface Takes {
  ready: boolean;
  ask: boolean;
  text: string;
}

const alone: Takes = { ready: true, ask: false, text: "This device's yes is enough." };
const paper_only: Takes = {
  ready: false,
  ask: false,
  text: "Needs your paper key: no other device of yours can say yes.",
};

/** A majority of the devices that have a full say; `target` is not asked. */
function majority(target: Device, all: readonly Device[]): Takes {
  const here = all.find((d) => d.this);
  const full = all.filter((d) => d.kind === "personal" && d.established);
  const missing = Math.floor(full.length / 2) + 1 - (here?.established ? 1 : 0);
  if (missing <= 0) return alone;
  const helpers = full.filter((d) => !d.this && d.id !== target.id && !d.suspended);
  if (helpers.length < missing) return paper_only;
  const names = helpers.map((d) => d.name).join(" or ");
  const who = `${missing === 1 ? "" : `${missing} of `}${names}${here?.established ? " as well" : ""}`;
  return { ready: false, ask: true, text: `Needs a yes on ${who}, or your paper key.` };
}

/** To remove a device. */
export function removal(target: Device, all: readonly Device[]): Takes {
  const here = all.find((d) => d.this);
  const full = all.filter((d) => d.kind === "personal" && d.established);
  if (target.kind === "cloud") {
    if (here?.established) return alone;
    const names = full.map((d) => d.name).join(" or ");
    return { ready: false, ask: false, text: `Needs a device that has been yours for over a week: ${names}.` };
  }
  // Whoever decides for the pod alone goes by the paper key only: somebody must be left to decide.
  if (target.established && full.length === 1) return paper_only;
  return majority(target, all);
}

/** For the device that this page is of: a new key. */
export const rotation = (target: Device, all: readonly Device[]): Takes => majority(target, all);

/** To lift a suspension. */
export const lifting = (target: Device, all: readonly Device[]): Takes => majority(target, all);
