/**
 * The one WebSocket to the device: everything that changes by itself arrives here and lands in `pod`, which the views
 * read. It comes back by itself when the device does, and then opens again what was open.
 */
import type { WireChange } from "../text/units";
import {
  type Alarm,
  ApiError,
  api,
  type Device,
  type DocumentInfo,
  type LogEvent,
  type Pairing,
  type Request,
  type Rival,
  type SaveState,
  type SetUp,
  type Status,
} from "./api";
import { go, type Place } from "./router.svelte";

export interface Cursor {
  id: string;
  name: string;
  color: string;
  anchor: number;
  head: number;
  this: boolean;
}

export type DocMessage =
  | { type: "opened"; doc: string; rev: number; text: string; state: SaveState; copied?: boolean }
  | { type: "changes"; doc: string; rev: number; device: string | null; changes: WireChange[] }
  | { type: "ack"; doc: string; rev: number }
  | { type: "state"; doc: string; state: SaveState; copied?: boolean }
  | { type: "cursors"; doc: string; cursors: Cursor[] }
  | { type: "error"; doc: string; message: string }
  | { type: "cut"; doc: string };

type PodMessage =
  | ({ type: "status" } & Status)
  | { type: "devices"; devices: Device[]; alarms?: Alarm[]; requests?: Request[]; rivals?: Rival[] }
  | { type: "documents"; documents: DocumentInfo[] }
  | { type: "log"; events: LogEvent[] }
  | ({ type: "pairing" } & Pairing)
  | { type: "error"; message: string; doc?: undefined };

const events_max = 400;
const log_events = 100;
const log_delay_ms = 300;
const ready_ms_max = 400;
const retry_ms_min = 250;
const retry_ms_max = 4000;

class Pod {
  /** "new": this device has no pod yet. */
  link = $state<"starting" | "up" | "away" | "locked" | "new">("starting");
  set_up = $state.raw<SetUp | null>(null);
  status = $state.raw<Status | null>(null);
  devices = $state.raw<Device[] | null>(null);
  alarms = $state.raw<Alarm[]>([]);
  requests = $state.raw<Request[]>([]);
  rivals = $state.raw<Rival[]>([]);
  documents = $state.raw<DocumentInfo[] | null>(null);
  events = $state.raw<LogEvent[] | null>(null);
  pairing = $state.raw<Pairing>({ state: "idle" });
  error = $state<string | null>(null);
  /** The note that was removed here last, to be put back with one click. */
  removed = $state.raw<{ id: string; title: string } | null>(null);
  now_ms = $state(Date.now());
  /** Whether there is enough to draw the page once, without anything moving afterwards. */
  ready = $state(false);

  #socket: WebSocket | null = null;
  #retry_ms = retry_ms_min;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #log_timer: ReturnType<typeof setTimeout> | undefined;
  #open = new Map<string, (m: DocMessage) => void>();

  start(): void {
    void this.#begin();
    setTimeout(() => {
      this.ready = true;
    }, ready_ms_max);
    setInterval(() => {
      this.now_ms = Date.now();
    }, 15_000);
    const now = (): void => {
      if (this.link === "away") this.#connect();
    };
    addEventListener("online", now);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && now());
  }

  /** The device has its pod now: the page becomes the pod's. */
  begin(place: Place): void {
    this.link = "starting";
    this.ready = false;
    this.set_up = null;
    go(place);
    this.#connect();
  }

  /** Opens a text; the listener hears everything about it, and "cut" when the connection is gone. */
  open(doc: string, listener: (m: DocMessage) => void): () => void {
    this.#open.set(doc, listener);
    this.send({ type: "open", doc });
    return () => {
      if (this.#open.get(doc) !== listener) return;
      this.#open.delete(doc);
      this.send({ type: "close", doc });
    };
  }

  send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  name_of(device: string): string {
    if (!/^[0-9a-f]{64}$/.test(device)) return device || "A device";
    return this.devices?.find((d) => d.id === device)?.name ?? "A device";
  }

  async #begin(): Promise<void> {
    const set_up = await api.set_up().catch(() => null);
    if (set_up === null || set_up.state === "ready") return this.#connect();
    this.set_up = set_up;
    this.link = "new";
    this.ready = true;
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.#socket?.close();
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`);
    this.#socket = socket;
    socket.onopen = () => {
      this.link = "up";
      this.#retry_ms = retry_ms_min;
      this.send({ type: "watch", topics: ["status", "devices", "documents", "log", "pairing"] });
      for (const doc of this.#open.keys()) this.send({ type: "open", doc });
      this.#read_log();
    };
    socket.onmessage = (e) => {
      if (this.#socket === socket) this.#take(String(e.data));
    };
    socket.onclose = () => {
      if (this.#socket === socket) void this.#closed();
    };
  }

  #read_log(): void {
    if (this.#log_timer !== undefined) return;
    this.#log_timer = setTimeout(() => {
      this.#log_timer = undefined;
      api.log(log_events).then(
        (log) => {
          this.events = merged(this.events ?? [], log.events);
        },
        () => undefined,
      );
    }, log_delay_ms);
  }

  async #closed(): Promise<void> {
    this.#socket = null;
    const first = this.link === "starting";
    if (this.link !== "locked") this.link = "away";
    for (const [doc, listener] of this.#open) listener({ type: "cut", doc });
    this.#timer = setTimeout(() => this.#connect(), this.#retry_ms);
    this.#retry_ms = Math.min(retry_ms_max, this.#retry_ms * 1.6);
    if (!first && this.link !== "locked") return;
    // A refused WebSocket does not say why; the same request over HTTP does.
    await api.status().catch((e: unknown) => {
      if (e instanceof ApiError && (e.status === 401 || e.status === 403)) this.link = "locked";
    });
  }

  #take(data: string): void {
    let m: PodMessage | DocMessage;
    try {
      m = JSON.parse(data) as PodMessage | DocMessage;
    } catch {
      return;
    }
    if ("doc" in m && m.doc !== undefined) this.#open.get(m.doc)?.(m as DocMessage);
    else this.#take_pod(m as PodMessage);
  }

  #take_pod(m: PodMessage): void {
    switch (m.type) {
      case "status":
        this.status = m;
        // A change in the middle of the list gets safer without an event of its own.
        if (this.events?.some((e) => e.state !== "committed")) this.#read_log();
        break;
      case "devices":
        this.devices = m.devices;
        if (m.alarms) this.alarms = m.alarms;
        this.requests = m.requests ?? [];
        this.rivals = m.rivals ?? [];
        break;
      case "documents":
        this.documents = [...m.documents].sort((a, b) => b.updated_ms - a.updated_ms || (a.id < b.id ? -1 : 1));
        break;
      case "log":
        this.events = merged(this.events ?? [], m.events);
        break;
      case "pairing":
        this.pairing = m;
        break;
      case "error":
        this.error = m.message;
        break;
    }
    this.now_ms = Date.now();
    this.ready ||= this.status !== null && this.devices !== null && this.documents !== null;
  }
}

/** Newest first; an event told again (its state has moved on) replaces the old telling. */
function merged(old: readonly LogEvent[], more: readonly LogEvent[]): LogEvent[] {
  const again = new Map(more.map((e) => [e.cid, e]));
  const known = new Set(old.map((e) => e.cid));
  const fresh = more.filter((e) => !known.has(e.cid)).reverse();
  if (fresh.length === 0 && old.every((e) => (again.get(e.cid)?.state ?? e.state) === e.state)) return [...old];
  return [...fresh, ...old.map((e) => again.get(e.cid) ?? e)]
    .sort((a, b) => b.time_ms - a.time_ms)
    .slice(0, events_max);
}

export const pod = new Pod();
