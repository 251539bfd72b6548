/**
 * One open text: what the daemon has, what is under way to it, and what was typed since.
 *
 *     server  --inflight-->  sent  --unsent-->  what the editor shows
 *
 * Invariants: (1) `sent` is `server` with `inflight` applied; (2) the editor's text is `sent` with `unsent` applied;
 * (3) at most one edit is under way; (4) text that was typed leaves this object only by an ack, and until the daemon
 * calls it `local` it is typed again if the daemon comes back without it. No view, no socket, no clock: both sides
 * are handed in as `SessionHost`. The rule for concurrent edits is in transform.js.
 */
import { ChangeSet, Text } from "@codemirror/state";
import { cost, diff, type Hunk, hunk_set } from "./diff";
import { after, changes_of, type Delta, push, trimmed } from "./transform.js";
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
  type WireChange,
} from "./units";

export type SaveState = "visible" | "local" | "pod" | "committed";

export interface SessionHost {
  /** Towards the daemon; only called while the session is open. */
  send(message: { type: "edit"; rev: number; changes: WireChange[] }): void;
  /** Somebody else's change, in terms of what the editor shows now. */
  remote(changes: ChangeSet): void;
  /** The whole text, the first time. */
  reset(text: Text): void;
  /** The two sides disagree: open again. */
  lost_step(): void;
}

/** What must survive a closed page: the three texts of the picture above. */
export interface Draft {
  server: string;
  sent: string;
  shown: string;
}

/** An edit carries at most so many inserted UTF-16 units; a larger paste goes in several. */
export const edit_units_max = 50_000;

interface Range {
  from: number;
  to: number;
}

export class TextSession {
  #host: SessionHost;
  #open = false;
  #fresh = true;
  #rev = 0;
  #server: Text = Text.empty;
  #sent: Text = Text.empty;
  #inflight: Delta | null = null;
  #unsent: ChangeSet = ChangeSet.empty(0);
  #astral = false;
  /** Own text that the daemon took but did not yet call `local`, as ranges of `#server`. */
  #unsettled: Range[] = [];
  #state: SaveState = "local";

  constructor(host: SessionHost, draft?: Draft | null) {
    this.#host = host;
    if (draft) this.#restore(draft);
  }

  #restore(draft: Draft): void {
    this.#fresh = false;
    this.#server = text_of(draft.server);
    this.#sent = text_of(draft.sent);
    const inflight = delta_of(hunk_set(diff(draft.server, draft.sent), this.#server.length));
    this.#inflight = inflight.length > 0 ? inflight : null;
    this.#unsent = hunk_set(diff(draft.sent, draft.shown), this.#sent.length);
    this.#astral = has_astral(draft.server + draft.sent + draft.shown);
    this.#host.reset(text_of(draft.shown));
  }

  get rev(): number {
    return this.#rev;
  }
  /** Whether something typed has not been taken by the daemon. */
  get pending(): boolean {
    return this.#inflight !== null || !this.#unsent.empty;
  }
  get open(): boolean {
    return this.#open;
  }
  /** The state of what the editor shows. */
  get state(): SaveState {
    return this.pending ? "visible" : this.#state;
  }

  draft(): Draft | null {
    if (!this.pending) return null;
    const shown = this.#unsent.apply(this.#sent);
    return { server: this.#server.toString(), sent: this.#sent.toString(), shown: shown.toString() };
  }

  /** What was typed: a change of what the editor showed. */
  edit(changes: ChangeSet): void {
    if (!this.#astral) {
      changes.iterChanges((_a, _b, _c, _d, inserted) => {
        this.#astral ||= has_astral(inserted.toString());
      });
    }
    this.#unsent = this.#unsent.compose(changes);
    this.#flush();
  }

  closed(): void {
    this.#open = false;
  }

  opened(rev: number, text: string, state: SaveState): void {
    this.#open = true;
    this.#rev = rev;
    this.#state = state;
    this.#astral ||= has_astral(text);
    if (this.#fresh) {
      this.#fresh = false;
      this.#server = this.#sent = text_of(text);
      this.#unsent = ChangeSet.empty(this.#server.length);
      this.#host.reset(this.#server);
      return;
    }
    this.#resume(text);
    if (state !== "visible") this.#unsettled = [];
    this.#flush();
  }

  /**
   * Back after a break. Which own edits the daemon still has is unknown where it never said so: the one under way may
   * or may not have been taken, and what was taken may have died with the device before it was safe. The story told
   * by the two texts is believed (an own insertion that is there whole was kept); everything else is typed again.
   */
  #resume(text: string): void {
    let base = this.#server;
    let mine = this.#unsent;
    let own = this.#unsettled;
    if (this.#inflight) {
      const changes = change_set(this.#inflight, base.length);
      if (was_taken(base, this.#sent, changes, text)) {
        own = [...moved(own, changes), ...inserted_by(changes)];
        base = this.#sent;
      } else {
        mine = changes.compose(mine);
      }
    }
    let theirs = diff(base.toString(), text);
    for (
      let lost = own.filter((r) => touched(r, theirs));
      lost.length > 0;
      lost = own.filter((r) => touched(r, theirs))
    ) {
      const without = ChangeSet.of(lost, base.length);
      mine = without.invert(base).compose(mine);
      own = moved(
        own.filter((r) => !lost.includes(r)),
        without,
      );
      base = without.apply(base);
      theirs = diff(base.toString(), text);
    }
    const changes = hunk_set(theirs, base.length);
    const shown = changes.map(mine, true);
    this.#unsettled = moved(own, changes);
    this.#server = this.#sent = text_of(text);
    this.#inflight = null;
    this.#unsent = mine.map(changes);
    if (!shown.empty) this.#host.remote(shown);
  }

  /** "changes": somebody else's edit. */
  changes(rev: number, wire: readonly WireChange[]): void {
    if (!this.#open) return;
    this.#astral ||= wire.some((c) => has_astral(c[2]));
    let over_server: ChangeSet;
    try {
      const read = from_wire(wire, this.#server, this.#astral);
      over_server = read.changes;
      this.#server = read.doc;
    } catch {
      this.#open = false;
      this.#host.lost_step();
      return;
    }
    this.#rev = rev;
    this.#unsettled = moved(this.#unsettled, over_server);
    let over_sent = over_server;
    if (this.#inflight) {
      const theirs = delta_of(over_server);
      over_sent = change_set(after(theirs, this.#inflight, false), this.#sent.length);
      this.#inflight = after(this.#inflight, theirs, true);
    }
    const shown = over_sent.map(this.#unsent, true);
    this.#unsent = this.#unsent.map(over_sent);
    this.#sent = over_sent.apply(this.#sent);
    if (!shown.empty) this.#host.remote(shown);
  }

  /** "ack": the edit under way was taken. */
  ack(rev: number): void {
    if (!this.#open || !this.#inflight) return;
    const changes = change_set(this.#inflight, this.#server.length);
    this.#unsettled = joined([...moved(this.#unsettled, changes), ...inserted_by(changes)]);
    this.#rev = rev;
    this.#server = this.#sent;
    this.#inflight = null;
    this.#state = "visible";
    this.#flush();
  }

  /** "state": how far the newest own write has come. */
  settled(state: SaveState): void {
    this.#state = state;
    if (state !== "visible") this.#unsettled = [];
  }

  /** A position of the editor for the daemon, in code points; null while own text is under way. */
  position_out(unit: number): number | null {
    if (!this.#open || this.pending) return null;
    return this.#astral ? points_between(this.#server, 0, unit) : unit;
  }

  /** A position from the daemon, for the editor. */
  position_in(point: number): number {
    let unit = Math.min(this.#astral ? unit_at(this.#server, point) : point, this.#server.length);
    if (this.#inflight) unit = change_set(this.#inflight, this.#server.length).mapPos(unit, -1);
    return this.#unsent.mapPos(unit, -1);
  }

  #flush(): void {
    if (!this.#open || this.#inflight || this.#unsent.empty) return;
    const [now, later] = parted(delta_of(this.#unsent));
    const changes = to_wire(changes_of(now), this.#server, this.#astral);
    this.#sent = change_set(now, this.#server.length).apply(this.#server);
    this.#unsent = change_set(later, this.#sent.length);
    this.#inflight = now;
    this.#host.send({ type: "edit", rev: this.#rev, changes });
  }
}

/** As much of a delta as fits into one edit, and the rest, from the text that the first part leaves. */
function parted(delta: Delta): [Delta, Delta] {
  const now: Delta = [];
  const later: Delta = [];
  let room = edit_units_max;
  let length = 0;
  let full = false;
  for (const { kind, size, text } of delta) {
    if (full) {
      push(later, kind, size, text);
      continue;
    }
    let fits = kind === "insert" ? Math.min(size, room) : size;
    if (fits < size && splits_pair(text, fits)) fits--;
    push(now, kind, fits, text.slice(0, fits));
    if (kind === "insert") room -= fits;
    if (kind !== "remove") length += fits;
    if (fits === size) continue;
    full = true;
    push(later, "keep", length);
    push(later, "insert", size - fits, text.slice(fits));
  }
  return [trimmed(now), trimmed(later)];
}

function moved(ranges: readonly Range[], changes: ChangeSet): Range[] {
  return ranges
    .map((r) => ({ from: changes.mapPos(r.from, 1), to: changes.mapPos(r.to, -1) }))
    .filter((r) => r.from < r.to);
}

function inserted_by(changes: ChangeSet): Range[] {
  const out: Range[] = [];
  changes.iterChangedRanges((_a, _b, from, to) => {
    if (from < to) out.push({ from, to });
  }, true);
  return out;
}

/** One range an edit as long as they are few; a device that says nothing for long makes neighbours grow together. */
function joined(ranges: readonly Range[]): Range[] {
  if (ranges.length <= 256) return [...ranges];
  const out: Range[] = [];
  for (const r of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = out.at(-1);
    if (last && r.from <= last.to) last.to = Math.max(last.to, r.to);
    else out.push({ ...r });
  }
  return out;
}

/** Whether hunks took something out of a range. */
const touched = (r: Range, hunks: readonly Hunk[]): boolean =>
  hunks.some((h) => Math.max(h.from, r.from) < Math.min(h.to, r.to));

/** Whether the edit from `server` to `sent` is in `text`: then its insertions are whole, and the others did less. */
function was_taken(server: Text, sent: Text, changes: ChangeSet, text: string): boolean {
  const if_taken = diff(sent.toString(), text);
  if (inserted_by(changes).some((r) => touched(r, if_taken))) return false;
  return cost(if_taken) < cost(diff(server.toString(), text));
}
