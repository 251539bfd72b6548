/**
 * The daemon's HTTP API (docs/guides/api.md). Same origin, same cookie; every failure is an `ApiError` that keeps
 * the daemon's own words.
 */
import type { SaveState } from "../text/session";

export type { SaveState };
export type Role = "leader" | "follower" | "candidate" | "learner" | "alone";

export interface Status {
  device_id: string;
  name: string;
  peer_id: string;
  did: string;
  addresses: string[];
  http: string;
  role: Role;
  term: number;
  generation: number;
  quorum: { voters: number; reachable: number; ok: boolean };
  commit_index: number;
  frontier: Record<string, string[]>;
  pending: { visible: number; local: number; pod: number };
  devices: number;
  documents: number;
  blind?: boolean;
  sealed?: number;
  events: number;
  storage_bytes: number;
  paper_confirmed: boolean;
  /** A recovery with the paper key in the last 72 hours. */
  recovery?: { device: string; name: string; this: boolean; may_veto: boolean; until_ms: number } | null;
  version: string;
  uptime_ms?: number;
}

export interface Device {
  id: string;
  name: string;
  peer_id: string;
  this: boolean;
  kind: "personal" | "cloud";
  online: boolean;
  role: Role;
  voter: boolean;
  established: boolean;
  suspended: boolean;
  lag_events: number;
  last_seen_ms: number | null;
  storage_bytes: number | null;
  free_bytes?: number | null;
  addresses: string[];
}

export interface Alarm {
  id: string;
  level: "info" | "warning" | "critical";
  text: string;
  action: null | "confirm_paper" | "add_device" | "lost_device" | "undo_recovery" | "restart" | "answer" | "decide";
}

/** What one device asks the others to agree to. A yes is for exactly this: the id is of what it signs. */
export interface Request {
  id: string;
  what: "remove" | "rotate" | "policy" | "lift" | "veto";
  text: string;
  device: string | null;
  device_name: string;
  by: string;
  by_name: string;
  since_ms: number;
  mine: boolean;
  may_answer: boolean;
  /** Whether all that a yes would sign has arrived here. */
  details_here: boolean;
  answered: null | "yes" | "no";
  /** Of a removal: changes of that device, known here, that would not count any more. */
  left_out: number | null;
  needed: number;
  yes: string[];
  no: string[];
  waiting_for: string[];
}

/** One of several changes to the devices that contradict each other. */
export interface Rival {
  id: string;
  what: string;
  text: string;
  by: string;
  by_name: string;
  device_name: string;
  time_ms: number;
  paper: boolean;
  followed_here: boolean;
}

/** What came of a change to the devices: done, or the other devices are asked. */
export interface Outcome {
  done: boolean;
  request?: string;
  missing?: string;
}

export interface Invite {
  code: string;
  link: string;
  qr_svg: string;
  expires_ms: number;
}

export interface DocumentInfo {
  id: string;
  title: string;
  bytes: number;
  updated_ms: number;
  state: SaveState;
  copied?: boolean;
}

export interface LogEvent {
  cid: string;
  stream: string;
  title: string | null;
  author: string;
  /** The device's id, or its name. */
  device: string;
  seq: number;
  operation?: string | null;
  kind: "operations" | "control";
  size: number;
  time_ms: number;
  state: SaveState;
}

export interface Paper {
  confirmed: boolean;
  words?: string[];
  did?: string;
  addresses?: string[];
  qr_svg?: string;
  /** Positions to ask for, counted from 0; people see them counted from 1. */
  ask?: number[];
}

export interface Pairing {
  state: "idle" | "waiting" | "asking" | "adding" | "copying" | "done" | "failed";
  name?: string;
  fingerprint?: string;
  progress?: number;
  message?: string;
}

/** How a device without a pod gets one (docs/guides/api.md). "ready": it has one, and the rest of the API answers. */
export interface SetUp {
  state: "choose" | "working" | "ready";
  name?: string;
  folder?: string;
  doing?: "new" | "join" | "recover";
  step?: "asking" | "dialling" | "copying";
  fingerprint?: string;
  address?: string;
  events?: number;
  events_missing?: number;
  error?: { code: string; message: string };
  recovered?: Arrival;
}

/** What came back with the paper key. */
export interface Arrival {
  served_by: string;
  documents: number;
  unreadable: number;
  events: number;
  events_missing: number;
  newest_ms: number | null;
  other_devices: string[];
  announced: boolean;
  pending_hours: number;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const unreachable = "This device's Rhizome program does not answer. Start it with “rhizome up”; nothing is lost.";

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    const init: RequestInit = { method, credentials: "same-origin", cache: "no-store" };
    if (body !== undefined) {
      init.headers = { "content-type": "application/json" };
      init.body = JSON.stringify(body);
    }
    response = await fetch(path, init);
  } catch {
    throw new ApiError(0, "unreachable", unreachable);
  }
  const text = await response.text();
  let json: unknown = null;
  try {
    json = text ? JSON.parse(text) : {};
  } catch {
    json = null;
  }
  if (!response.ok || json === null) {
    const error = (json as { error?: { code?: string; message?: string } } | null)?.error;
    throw new ApiError(
      response.status,
      String(error?.code ?? response.status),
      error?.message ?? `The device answered ${response.status}.`,
    );
  }
  return json as T;
}

const standing = (id: string, act: string, paper?: string) =>
  call<Outcome>("POST", `/api/devices/${id}/${act}`, paper === undefined ? {} : { paper });

export const api = {
  set_up: () => call<SetUp>("GET", "/api/set-up"),
  begin: (way: NonNullable<SetUp["doing"]>, how: Record<string, string | boolean>) =>
    call<SetUp>("POST", `/api/set-up/${way}`, how),
  status: () => call<Status>("GET", "/api/status"),
  devices: () =>
    call<{ devices: Device[]; alarms: Alarm[]; requests: Request[]; rivals: Rival[] }>("GET", "/api/devices"),
  invite: (kind: Device["kind"]) => call<Invite>("POST", "/api/devices/invite", { kind }),
  end_invite: () => call<object>("DELETE", "/api/devices/invite"),
  confirm: (accept: boolean) => call<object>("POST", "/api/devices/invite/confirm", { accept }),
  suspend: (id: string) => call<object>("POST", `/api/devices/${id}/suspend`),
  lift: (id: string, paper?: string) => standing(id, "lift", paper),
  remove: (id: string, paper?: string) => standing(id, "remove", paper),
  answer: (request: string, yes: boolean) =>
    call<object>("POST", `/api/devices/requests/${request}/${yes ? "approve" : "decline"}`),
  withdraw: (request: string) => call<object>("DELETE", `/api/devices/requests/${request}`),
  rotate: (paper?: string) => standing("self", "rotate", paper),
  undo_recovery: () => call<Outcome>("POST", "/api/devices/undo-recovery", {}),
  decide: (keep: string | null, paper: string) => call<object>("POST", "/api/devices/decide", { keep, paper }),
  documents: () => call<{ documents: DocumentInfo[] }>("GET", "/api/documents"),
  create: (title: string, text?: string) =>
    call<{ id: string }>("POST", "/api/documents", text === undefined ? { title } : { title, text }),
  rename: (id: string, title: string) => call<object>("PUT", `/api/documents/${id}`, { title }),
  removed: () => call<{ documents: DocumentInfo[] }>("GET", "/api/documents?removed"),
  remove_document: (id: string) => call<object>("DELETE", `/api/documents/${id}`),
  restore_document: (id: string) => call<object>("POST", `/api/documents/${id}/restore`),
  log: (limit: number) => call<{ events: LogEvent[] }>("GET", `/api/log?limit=${limit}`),
  paper: () => call<Paper>("GET", "/api/paper"),
  confirm_paper: (words: Record<string, string>) => call<object>("POST", "/api/paper/confirm", { words }),
  snapshot: () => call<{ root: string; path: string }>("POST", "/api/snapshot"),
};

export const message_of = (e: unknown): string => (e instanceof Error ? e.message : String(e));
