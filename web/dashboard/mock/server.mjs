// @ts-check
/**
 * A mock of the daemon for developing and testing the page: the whole of docs/guides/api.md over invented devices. Two
 * of them ("laptop", "phone") answer on their own ports and share one state, so that two browser windows can type into
 * one text; "cloud" exists in the list only. Loopback only. It promises nothing and stores nothing.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { sample_documents, sample_words } from "./samples.mjs";
import { points, TextRoom } from "./text_room.mjs";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws:";
const colors = ["#b3261e", "#005f9e", "#4b6700"];

/** @param {string} s */
const hex = (s) => createHash("sha256").update(s).digest("hex");
/** @param {string} s */
const cid = (s) =>
  `bafyrei${createHash("sha256")
    .update(s)
    .digest("base64url")
    .toLowerCase()
    .replace(/[^a-z2-7]/g, "a")
    .padEnd(52, "q")
    .slice(0, 52)}`;
/** @param {string} s */
const peer = (s) =>
  `12D3KooW${createHash("sha256")
    .update(s)
    .digest("base64")
    .replace(/[^A-Za-z1-9]/g, "x")
    .slice(0, 44)}`;

/** A picture with the look of a QR code; it holds nothing. @param {string} text */
function pretend_qr(text) {
  const n = 29;
  const bits = createHash("sha512").update(text).digest();
  const corner = (/** @type {number} */ x, /** @type {number} */ y) =>
    (x < 8 && y < 8) || (x > n - 9 && y < 8) || (x < 8 && y > n - 9);
  let path = "";
  for (let y = 0; y < n; y++) {
    for (let x = 0; x < n; x++) {
      const i = (y * 31 + x * 7 + x * y) % 512;
      if (!corner(x, y) && (((bits[i >> 3] ?? 0) >> (i & 7)) & 1) === 1) path += `M${x} ${y}h1v1h-1z`;
    }
  }
  for (const [x, y] of [
    [0, 0],
    [n - 7, 0],
    [0, n - 7],
  ])
    path += `M${x} ${y}h7v7h-7zm1 1v5h5v-5zm1 1h3v3h-3z`;
  const box = `viewBox="-2 -2 ${n + 4} ${n + 4}" shape-rendering="crispEdges"`;
  const paper = `<rect x="-2" y="-2" width="100%" height="100%" fill="#fff"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box}>${paper}<path fill-rule="evenodd" d="${path}"/></svg>`;
}

class Refusal extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What all devices of the pod share. */
class World {
  /** @param {{ empty?: boolean, alone?: boolean }} options */
  constructor(options) {
    const now = Date.now();
    this.started_ms = now;
    /** @type {Map<string, any>} */ this.docs = new Map();
    /** @type {any[]} */ this.events = [];
    /** @type {Daemon[]} */ this.daemons = [];
    this.paper_confirmed = false;
    /** @type {any} */ this.pairing = { state: "idle" };
    /** @type {any[]} */ this.requests = [];
    /** @type {any[]} */ this.rivals = [];
    /** A recovery with the paper key onto that device, of the last 72 hours. @type {any} */ this.recovered = null;
    this.seq = 0;
    this.devices = ["laptop", "phone", "cloud"]
      .slice(0, options.alone ? 1 : 3)
      .map((name, i) => this.device(name, i === 2 ? "cloud" : "personal", i));
    if (!options.empty)
      for (const [i, [title, text]] of sample_documents.entries())
        this.create(title, text, now - i * 5_400_000 - 60_000);
    for (const e of this.events) e.state = "committed";
    for (const d of this.docs.values()) d.state = "committed";
    this.events.reverse();
  }

  /** @param {string} name @param {string} kind @param {number} i */
  device(name, kind, i) {
    const roles = ["leader", "follower", "follower"];
    return {
      id: hex(name),
      name,
      peer_id: peer(name),
      kind,
      online: true,
      role: roles[i] ?? "learner",
      voter: i < 3,
      established: i < 2,
      suspended: false,
      lag_events: 0,
      last_seen_ms: Date.now(),
      storage_bytes: 4_180_000 + i * 310_000,
      addresses: [`/ip4/127.0.0.1/tcp/${4868 + i}/p2p/${peer(name)}`],
    };
  }

  /** @param {string} title @param {string} text @param {number} [at_ms] */
  create(title, text, at_ms = Date.now()) {
    const id = hex(`doc ${title} ${this.seq++}`);
    const doc = { id, title, room: new TextRoom(text), updated_ms: at_ms, state: "local", settling: 0 };
    this.docs.set(id, doc);
    this.record(doc, this.devices[this.seq % Math.min(2, this.devices.length)], at_ms, Buffer.byteLength(text));
    return doc;
  }

  /** @param {any} doc @param {any} device @param {number} time_ms @param {number} size */
  record(doc, device, time_ms, size) {
    const event = {
      cid: cid(`${doc?.id} ${this.events.length} ${time_ms}`),
      stream: hex(`stream ${doc?.id ?? "zero"}`),
      title: doc?.title ?? null,
      author: device.id,
      device: device.id,
      seq: this.events.length,
      kind: doc ? "operations" : "control",
      size: 96 + size,
      time_ms,
      state: "local",
    };
    this.events.push(event);
    return event;
  }

  /**
   * A write: as time passes it gets safer, and everybody is told.
   * @param {any} doc @param {any} device @param {number} size
   */
  wrote(doc, device, size) {
    doc.updated_ms = Date.now();
    doc.state = "visible";
    const turn = ++doc.settling;
    const last = this.events.at(-1);
    const event =
      last && last.title === doc.title && last.device === device.id && Date.now() - last.time_ms < 2000
        ? last
        : this.record(doc, device, Date.now(), size);
    const others = this.daemons.filter((d) => d.up).length > 1 || this.devices.some((d) => d.kind === "cloud");
    /** @type {[string, number][]} */ const path = [
      ["local", 30],
      ...(others
        ? /** @type {[string, number][]} */ ([
            ["pod", 120],
            ["committed", 240],
          ])
        : []),
    ];
    for (const [state, after_ms] of path) {
      setTimeout(() => {
        if (turn !== doc.settling) return;
        doc.state = state;
        event.state = state;
        for (const d of this.daemons) d.told_state(doc, event);
      }, after_ms).unref();
    }
  }

  documents(removed = false) {
    const listed = [...this.docs.values()].filter((d) => Boolean(d.removed) === removed);
    return listed.map((d) => ({
      id: d.id,
      title: d.title,
      bytes: Buffer.byteLength(d.room.string()),
      updated_ms: d.updated_ms,
      state: d.state,
      copied: true,
    }));
  }

  everybody(/** @type {string[]} */ ...topics) {
    for (const d of this.daemons) for (const t of topics) d.broadcast(t);
  }

  /** One device asks the others. @param {any} by @param {any} device @param {"remove" | "lift" | "rotate" | "veto"} what */
  ask(by, device, what) {
    const known = this.requests.find((r) => r.by === by.id && r.device === device.id && r.what === what);
    if (known) return known;
    const others = this.devices.filter((d) => d.established && d.id !== by.id && d.id !== device.id);
    const request = {
      id: hex(`request ${by.id} ${device.id} ${what} ${this.seq++}`),
      what,
      device: device.id,
      device_name: device.name,
      by: by.id,
      by_name: by.name,
      since_ms: Date.now(),
      details_here: true,
      left_out: null,
      needed: 2,
      yes: [by.name],
      no: /** @type {string[]} */ ([]),
      waiting_for: others.map((d) => d.name),
    };
    this.requests.push(request);
    this.everybody("devices", "status");
    return request;
  }

  /** @param {string} id @param {any} self @param {boolean} yes */
  answer_request(id, self, yes) {
    const request = this.requests.find((r) => r.id === id);
    if (!request) throw new Refusal(404, "not_found", "Nobody asks for that any more.");
    for (const list of ["no", "waiting_for"])
      request[list] = request[list].filter((/** @type {string} */ n) => n !== self.name);
    request[yes ? "yes" : "no"].push(self.name);
    if (request.yes.length >= request.needed) {
      this.requests = this.requests.filter((r) => r !== request);
      const device = this.devices.find((d) => d.id === request.device);
      if (request.what === "remove" || request.what === "veto") this.devices = this.devices.filter((d) => d !== device);
      if (request.what === "veto") this.recovered = null;
      else if (device && request.what === "lift") device.suspended = false;
    }
    this.everybody("devices", "status");
    return {};
  }

  /** A newcomer typed the code. @param {{ name: string, fingerprint: string }} who */
  newcomer(who) {
    this.pairing = { state: "asking", ...who };
    this.everybody("pairing");
  }

  /** @param {boolean} accept */
  answer(accept) {
    if (this.pairing.state !== "asking") throw new Refusal(409, "no_newcomer", "No device is waiting for an answer.");
    const { name } = this.pairing;
    this.set_pairing(
      accept
        ? { state: "adding", name }
        : {
            state: "failed",
            name,
            message: `You said no to ${name}. If it was yours, show a new code here and use it there.`,
          },
    );
    if (!accept) return;
    this.devices.push({ ...this.device(name, "personal", 3), lag_events: 40 });
    this.everybody("devices", "status");
    for (let step = 1; step <= 10; step++) {
      setTimeout(
        () => this.set_pairing(step < 10 ? { state: "copying", name, progress: step / 10 } : { state: "done", name }),
        150 * step,
      ).unref();
    }
  }

  /** @param {any} pairing */
  set_pairing(pairing) {
    this.pairing = pairing;
    this.everybody("pairing");
  }
}

/** One device's program. */
class Daemon {
  /** @param {World} world @param {any} self @param {number} port @param {string} token */
  constructor(world, self, port, token) {
    this.world = world;
    this.self = self;
    this.port = port;
    this.token = token;
    this.up = false;
    /** @type {Set<any>} */ this.clients = new Set();
    /** @type {Set<import("node:net").Socket>} */ this.sockets = new Set();
  }

  get url() {
    return `http://127.0.0.1:${this.port}/?token=${this.token}`;
  }

  async start() {
    const server = createServer((req, res) => void this.http(req, res));
    const ws = new WebSocketServer({ noServer: true });
    server.on("connection", (s) => {
      this.sockets.add(s);
      s.on("close", () => this.sockets.delete(s));
    });
    server.on("upgrade", (req, socket, head) => {
      if (req.url !== "/api/live" || !this.allowed(req)) return socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
      ws.handleUpgrade(req, socket, head, (s) => this.connected(s));
    });
    await new Promise((done) => server.listen(this.port, "127.0.0.1", () => done(null)));
    const address = server.address();
    if (address && typeof address === "object") this.port = address.port;
    this.server = server;
    this.up = true;
    this.self.online = true;
    this.world.everybody("devices", "status");
  }

  /** As kill -9 does it. */
  async stop() {
    if (!this.up) return;
    this.up = false;
    this.self.online = false;
    this.self.last_seen_ms = Date.now();
    for (const c of this.clients) for (const s of c.open.values()) s.close();
    this.clients.clear();
    for (const s of this.sockets) s.destroy();
    await new Promise((done) => this.server?.close(() => done(null)));
    this.world.everybody("devices", "status");
  }

  /** @param {import("node:http").IncomingMessage} req */
  allowed(req) {
    const cookie = (req.headers.cookie ?? "").split(/;\s*/).includes(`rhizome_${this.port}=${this.token}`);
    return cookie || req.headers.authorization === `Bearer ${this.token}`;
  }

  /** @param {import("node:http").IncomingMessage} req @param {import("node:http").ServerResponse} res */
  async http(req, res) {
    const url = new URL(req.url ?? "/", `http://127.0.0.1:${this.port}`);
    res.setHeader("content-security-policy", policy);
    res.setHeader("x-content-type-options", "nosniff");
    try {
      if (url.pathname === "/" && url.searchParams.get("token") === this.token) {
        res
          .writeHead(302, {
            location: "/",
            "set-cookie": `rhizome_${this.port}=${this.token}; HttpOnly; SameSite=Strict; Path=/`,
          })
          .end();
      } else if (url.pathname.startsWith("/api/")) {
        if (!this.allowed(req)) throw new Refusal(401, "no_token", "This request carries no valid token.");
        let body = "";
        for await (const part of req) body += part;
        const answer = this.api(`${req.method} ${url.pathname}`, body ? JSON.parse(body) : {}, url);
        res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
      } else this.file(url.pathname, res);
    } catch (e) {
      const r = e instanceof Refusal ? e : new Refusal(500, "mock", String(e));
      res
        .writeHead(r.status, { "content-type": "application/json" })
        .end(JSON.stringify({ error: { code: r.code, message: r.message } }));
    }
  }

  /** @param {string} path @param {import("node:http").ServerResponse} res */
  file(path, res) {
    const file = join(dist, normalize(path === "/" ? "/index.html" : path));
    const type = /** @type {Record<string, string>} */ (types)[extname(file)];
    if (!file.startsWith(dist) || !type || !existsSync(file))
      throw new Refusal(404, "not_found", `There is no ${path}.`);
    res
      .writeHead(200, {
        "content-type": type,
        "cache-control": path === "/" ? "no-store" : "max-age=31536000, immutable",
      })
      .end(readFileSync(file));
  }

  status() {
    const { world, self } = this;
    const voters = world.devices.filter((d) => d.voter);
    const reachable = voters.filter((d) => d.online).length;
    return {
      device_id: self.id,
      name: self.name,
      peer_id: self.peer_id,
      did: `did:rhizome:${cid("did")}`,
      addresses: self.addresses,
      http: `http://127.0.0.1:${this.port}`,
      role: world.devices.length === 1 ? "alone" : self.role,
      term: 7,
      generation: 1,
      quorum: { voters: voters.length, reachable, ok: reachable * 2 > voters.length },
      commit_index: 400 + world.events.length,
      frontier: Object.fromEntries(
        [...world.docs.values()].slice(0, 9).map((d) => [hex(`stream ${d.id}`), [cid(`head ${d.id}`)]]),
      ),
      pending: { visible: 0, local: 0, pod: 0 },
      devices: world.devices.length,
      documents: world.docs.size,
      events: 400 + world.events.length,
      storage_bytes: self.storage_bytes,
      paper_confirmed: world.paper_confirmed,
      recovery: world.recovered
        ? {
            device: world.recovered.id,
            name: world.recovered.name,
            this: world.recovered.id === self.id,
            may_veto: true,
            until_ms: Date.now() + 60 * 3_600_000,
          }
        : null,
      version: "0.1.0-mock",
      uptime_ms: Date.now() - world.started_ms + 7_380_000,
    };
  }

  devices() {
    const alarms = [];
    if (!this.world.paper_confirmed)
      alarms.push({
        id: "paper",
        level: "warning",
        text: "Your paper key is not confirmed yet. It is the way back if all devices are lost.",
        action: "confirm_paper",
      });
    if (this.world.devices.length === 1)
      alarms.push({ id: "one", level: "info", text: "Your pod lives on one device only.", action: "add_device" });
    const requests = this.world.requests.map((r) => {
      const mine = r.by === this.self.id;
      const who = mine ? "This device" : r.by_name;
      return {
        ...r,
        mine,
        text:
          r.what === "remove"
            ? `${who} asks to remove ${r.device_name} for good`
            : r.what === "rotate"
              ? `${who} asks for a new key`
              : r.what === "veto"
                ? `${who} asks to undo the recovery onto ${r.device_name}`
                : `${who} asks to lift the suspension of ${r.device_name}`,
        may_answer: !mine && this.self.established,
        answered: r.yes.includes(this.self.name) && !mine ? "yes" : r.no.includes(this.self.name) ? "no" : null,
      };
    });
    for (const r of requests)
      if (r.may_answer && r.answered === null)
        alarms.push({ id: `ask-${r.id.slice(0, 12)}`, level: "warning", text: `${r.text}.`, action: "answer" });
    if (this.world.recovered)
      alarms.push({
        id: "recovered",
        level: "critical",
        text: `Somebody recovered this pod with the paper key, onto a device called "${this.world.recovered.name}".`,
        action: "undo_recovery",
      });
    if (this.world.rivals.length > 0)
      alarms.push({
        id: "contest",
        level: "critical",
        text: "Two changes to your devices contradict each other. Your paper key decides which one holds.",
        action: "decide",
      });
    const devices = this.world.devices.map((d) => ({
      ...d,
      this: d.id === this.self.id,
      lag_events: d.online ? d.lag_events : 3,
      last_seen_ms: d.online ? Date.now() : d.last_seen_ms,
    }));
    return { devices, alarms, requests, rivals: this.world.rivals };
  }

  /** @param {string} id */
  doc(id) {
    const doc = this.world.docs.get(id);
    if (!doc) throw new Refusal(404, "no_document", "There is no such document.");
    return doc;
  }

  /** @param {string} what @param {any} body @param {URL} url */
  api(what, body, url) {
    const { world } = this;
    const id = what.match(/[0-9a-f]{64}/)?.[0] ?? "";
    switch (what.replace(/[0-9a-f]{64}/, "ID")) {
      case "GET /api/set-up":
        return { state: "ready" };
      case "GET /api/status":
        return this.status();
      case "GET /api/devices":
        return this.devices();
      case "GET /api/documents":
        return { documents: world.documents(url.searchParams.has("removed")) };
      case "DELETE /api/documents/ID":
      case "POST /api/documents/ID/restore":
        this.doc(id).removed = what.startsWith("DELETE");
        world.everybody("documents", "status");
        return {};
      case "GET /api/log":
        return { events: world.events.slice(-Number(url.searchParams.get("limit") ?? 100)) };
      case "GET /api/documents/ID": {
        const d = this.doc(id);
        return { id, title: d.title, text: d.room.string(), state: d.state };
      }
      case "PUT /api/documents/ID": {
        const d = this.doc(id);
        d.title = String(body.title);
        world.wrote(d, this.self, 40);
        world.everybody("documents");
        return {};
      }
      case "POST /api/documents": {
        const d = world.create(String(body.title), String(body.text ?? ""));
        world.wrote(d, this.self, 0);
        world.everybody("documents", "status");
        return { id: d.id };
      }
      case "POST /api/devices/invite":
        return this.invite();
      case "DELETE /api/devices/invite":
        world.set_pairing({ state: "idle" });
        return {};
      case "POST /api/devices/invite/confirm":
        world.answer(Boolean(body.accept));
        return {};
      case "POST /api/devices/ID/suspend":
        return this.suspend(id, true);
      case "POST /api/devices/ID/lift":
        return this.decided(id, "lift", body.paper);
      case "POST /api/devices/ID/remove":
        return this.decided(id, "remove", body.paper);
      case "POST /api/devices/self/rotate":
        return this.decided(this.self.id, "rotate", body.paper);
      case "GET /api/devices/requests":
        return { requests: this.devices().requests };
      case "POST /api/devices/requests/ID/approve":
        return world.answer_request(id, this.self, true);
      case "POST /api/devices/requests/ID/decline":
        return world.answer_request(id, this.self, false);
      case "DELETE /api/devices/requests/ID":
        world.requests = world.requests.filter((r) => r.id !== id);
        world.everybody("devices", "status");
        return {};
      case "POST /api/devices/undo-recovery":
        return {
          done: false,
          request: world.ask(this.self, world.recovered, "veto").id,
          missing: "needs one more yes",
        };
      case "POST /api/devices/decide":
        this.check_paper(body.paper);
        world.rivals = [];
        world.everybody("devices");
        return {};
      case "GET /api/paper":
        return world.paper_confirmed
          ? {
              confirmed: true,
              did: this.status().did,
              addresses: world.devices.at(-1)?.addresses ?? [],
              qr_svg: pretend_qr("slip"),
            }
          : {
              words: sample_words,
              did: this.status().did,
              addresses: world.devices.at(-1)?.addresses ?? [],
              qr_svg: pretend_qr("paper"),
              confirmed: false,
              ask: [2, 10, 19],
            };
      case "POST /api/paper/confirm":
        return this.confirm_paper(body.words ?? {});
      case "POST /api/snapshot":
        return { root: cid("snapshot"), path: "/home/you/.local/share/rhizome/snapshots/400.car" };
      default:
        throw new Refusal(404, "not_found", `There is no ${what}.`);
    }
  }

  invite() {
    const code = "K7MQ2-9XTPA-4RHEW-ZB3NC-6YDFJ-5G8";
    this.world.set_pairing({ state: "waiting" });
    return {
      code,
      link: `rhizome:join/${code.replaceAll("-", "")}/${this.self.peer_id}`,
      qr_svg: pretend_qr(code),
      expires_ms: Date.now() + 600_000,
    };
  }

  /** @param {string} id @param {boolean} on */
  suspend(id, on) {
    const d = this.world.devices.find((x) => x.id === id);
    if (d) d.suspended = on;
    this.world.everybody("devices");
    return {};
  }

  /** @param {string | undefined} paper */
  check_paper(paper) {
    if (paper !== sample_words.join(" "))
      throw new Refusal(
        400,
        "recovery_wrong_key",
        "this is not the paper key in force: an older one, or another pod's",
      );
  }

  /** Done, or asked of the others. @param {string} id @param {"remove" | "lift" | "rotate"} what @param {string} [paper] */
  decided(id, what, paper) {
    const { world } = this;
    const d = world.devices.find((x) => x.id === id);
    if (!d) throw new Refusal(404, "not_found", "there is no such device");
    const full = world.devices.filter((x) => x.kind === "personal" && x.established);
    const needed = d.kind === "cloud" ? 1 : Math.floor(full.length / 2) + 1;
    if (paper !== undefined) this.check_paper(paper);
    else if (needed > 1) {
      const helpers = full.filter((x) => x.id !== id && x.id !== this.self.id && !x.suspended);
      const missing = "needs the yes of 1 more of your devices, or the paper key";
      if (helpers.length === 0)
        throw new Refusal(409, "authority_missing", `${missing}: no other device of yours can say enough yes`);
      return { done: false, request: world.ask(this.self, d, what).id, missing };
    }
    if (what === "remove") world.devices = world.devices.filter((x) => x.id !== id);
    if (what === "lift") d.suspended = false;
    world.everybody("devices", "status");
    return { done: true };
  }

  /** @param {Record<string, string>} words */
  confirm_paper(words) {
    for (const i of [2, 10, 19])
      if (words[i] !== sample_words[i])
        throw new Refusal(
          422,
          "wrong_word",
          `Word ${i + 1} is not the one on the paper. Look again at number ${i + 1}.`,
        );
    this.world.paper_confirmed = true;
    this.world.everybody("devices", "status");
    return {};
  }

  /** @param {import("ws").WebSocket} socket */
  connected(socket) {
    const client = {
      id: randomBytes(8).toString("hex"),
      topics: new Set(),
      open: new Map(),
      send: (/** @type {any} */ m) => socket.readyState === 1 && socket.send(JSON.stringify(m)),
    };
    this.clients.add(client);
    socket.on("message", (data) => {
      try {
        this.received(client, JSON.parse(String(data)));
      } catch (e) {
        client.send({ type: "error", message: String(e) });
      }
    });
    socket.on("close", () => {
      this.clients.delete(client);
      for (const [doc, s] of client.open) {
        s.close();
        this.cursors(this.world.docs.get(doc));
      }
    });
  }

  /** @param {any} client @param {any} m */
  received(client, m) {
    const doc = m.doc ? this.doc(m.doc) : null;
    const session = m.doc ? client.open.get(m.doc) : null;
    if (m.type === "watch") {
      client.topics = new Set(m.topics);
      for (const t of m.topics) client.send(this.message(t));
    } else if (m.type === "open") {
      session?.close();
      const opened = doc.room.open((/** @type {any} */ x) => client.send({ ...x, doc: doc.id }), this.self.id);
      Object.assign(opened, {
        id: client.id,
        name: this.self.name,
        color: colors[this.world.devices.indexOf(this.self)],
      });
      client.open.set(doc.id, opened);
      client.send({ type: "opened", doc: doc.id, rev: opened.rev, text: doc.room.string(), state: doc.state });
      this.cursors(doc);
    } else if (m.type === "close") {
      session?.close();
      client.open.delete(m.doc);
      this.cursors(doc);
    } else if (m.type === "edit" && session) {
      session.edit(m.rev, m.changes);
      this.world.wrote(
        doc,
        this.self,
        m.changes.reduce((/** @type {number} */ n, /** @type {any} */ c) => n + points(c[2]), 0),
      );
      this.cursors(doc);
    } else if (m.type === "cursor" && session) {
      session.point(m.rev, m.anchor, m.head);
      this.cursors(doc);
    }
  }

  /** @param {any} doc */
  cursors(doc) {
    const all = [...doc.room.sessions].filter((s) => s.cursor);
    for (const s of doc.room.sessions) {
      const cursors = all
        .filter((o) => o !== s)
        .map((o) => ({ id: o.id, name: o.name, color: o.color, ...o.cursor, this: o.device === s.device }));
      s.send({ type: "cursors", cursors });
    }
  }

  /** @param {string} topic */
  message(topic) {
    if (topic === "status") return { type: topic, ...this.status() };
    if (topic === "devices") return { type: topic, ...this.devices() };
    if (topic === "documents") return { type: topic, documents: this.world.documents() };
    if (topic === "pairing") return { type: topic, ...this.world.pairing };
    return { type: "log", events: this.world.events.slice(-100) };
  }

  /** @param {string} topic */
  broadcast(topic) {
    for (const c of this.clients) if (c.topics.has(topic)) c.send(this.message(topic));
  }

  /** @param {any} doc @param {any} event */
  told_state(doc, event) {
    for (const c of this.clients) {
      if (c.open.has(doc.id)) c.send({ type: "state", doc: doc.id, state: doc.state });
      if (c.topics.has("log")) c.send({ type: "log", events: [event] });
    }
    this.broadcast("documents");
  }
}

/**
 * Starts the mock. `ports`: 0 takes a free one.
 * @param {{ ports?: number[], empty?: boolean, alone?: boolean }} [options]
 */
export async function start_mock({ ports = [0, 0], empty = false, alone = false } = {}) {
  const world = new World({ empty, alone });
  for (const [i, port] of ports.entries()) {
    const self = world.devices[i];
    if (self) world.daemons.push(new Daemon(world, self, port, randomBytes(16).toString("hex")));
  }
  for (const d of world.daemons) await d.start();
  const close = async () => {
    for (const d of world.daemons) await d.stop();
  };
  return { world, daemons: world.daemons, urls: world.daemons.map((d) => d.url), close };
}
