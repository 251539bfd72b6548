#!/usr/bin/env node
// The core in WebAssembly: does it import nothing but what the checked-in lists say, and does it work?
//
//   node tests/wasm/smoke.mjs build/wasm/rhizome_document.wasm     with rhizome_core.wasm beside it
//   node tests/wasm/smoke.mjs --self-test                          only: can the comparison of imports fail?
//
// Exits 1 at the first thing that is not so. Needs Node 20, nothing else.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { Document, RzError, importDifference, instantiate, readImportList } from "./module.mjs";
import { decode, encode } from "./cbor.mjs";

const here = (name) => new URL(name, import.meta.url);
// More than this is a mistake somewhere, such as a formatter or the exceptions' support linked in.
const documentBytesMax = 300 * 1024;

// --- The comparison itself ------------------------------------------------------------------------------------------

// The smallest module that imports these functions: (module (import "module" "name" (func)) ...).
function moduleThatImports(lines) {
  const text = (words) => [words.length, ...Buffer.from(words)];
  const imports = lines.flatMap((line) => [...line.split(" ").flatMap(text), 0, 0]);
  const section = (id, count, bytes) => [id, ((bytes.length + 1) & 0x7f) | 0x80, (bytes.length + 1) >> 7, count, ...bytes];
  return new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...section(1, 1, [0x60, 0, 0]),
    ...section(2, lines.length, imports)]));
}

function selfTest(expected) {
  assert.deepEqual(importDifference(moduleThatImports(expected), expected), []);
  const clock = "wasi_snapshot_preview1 clock_time_get";
  assert.equal(importDifference(moduleThatImports([...expected, clock]), expected).length, 1, "an import too many");
  assert.equal(importDifference(moduleThatImports(expected.slice(1)), expected).length, 1, "an import too few");
  assert.equal(importDifference(moduleThatImports(["env fd_write", ...expected.slice(1)]), expected).length, 2);
}

async function checkImports(module, list, what) {
  const differences = importDifference(module, await readImportList(here(list)));
  assert.deepEqual(differences, [], `${what}: ${differences.join("; ")} (tests/wasm/${list})`);
}

// --- Two devices ------------------------------------------------------------------------------------------------------

let drawn = 1;
// Park and Miller's generator: the same edits in every run.
const below = (bound) => (drawn = (drawn * 48271) % 2147483647) % bound;

// A document with the little of the log that it needs: names of events, depth and own.
class Device {
  constructor(module, number) {
    this.module = module;
    this.author = createHash("sha256").update(`device ${number}`).digest();
    this.document = new Document(module, this.author);
    this.events = new Map(); // By id in hex.
    this.seq = 0;
    this.shadow = []; // The body in code points, kept up to date by patches alone.
  }
  follow(patches) {
    for (const [name, path, ...change] of decode(patches)) {
      if (name !== "text_splice" || path.length !== 1 || path[0] !== "") continue;
      const [position, deleted, inserted] = change;
      this.shadow.splice(position, deleted, ...inserted);
    }
    assert.equal(this.shadow.join(""), this.document.text(), "patches tell the truth");
  }
  // Closes the open event; what a log would sign and send.
  close() {
    const [parents, payload] = [this.document.openParents(), this.document.openPayload()];
    const most = new Map();
    for (const parent of parents) {
      const { past, event } = this.events.get(parent.toString("hex"));
      for (const [author, words] of [...past, [event.author.toString("hex"), event]]) {
        const { depth = 0, own = 0 } = most.get(author) ?? {};
        most.set(author, { depth: Math.max(depth, words.depth), own: Math.max(own, words.own) });
      }
    }
    const self = this.author.toString("hex");
    const depth = 1 + Math.max(0, ...[...most].filter(([author]) => author !== self).map(([, words]) => words.depth));
    const event = { author: this.author, feed: 0, seq: this.seq++, depth, own: 1 + (most.get(self)?.own ?? 0), parents };
    event.id = createHash("sha256").update(this.author).update(String(event.seq)).update(payload).digest();
    this.events.set(event.id.toString("hex"), { event, payload, past: most });
    this.follow(this.document.close(event));
  }
  // Takes over what the other has closed, parents first (the order in which it came to know them).
  take(other) {
    for (const [id, known] of other.events) {
      if (this.events.has(id)) continue;
      this.follow(this.document.apply(known.event, known.payload));
      this.events.set(id, known);
    }
  }
  type() {
    const length = this.shadow.length;
    if (length > 0 && below(4) === 0) {
      const position = below(length);
      this.follow(this.document.delete(position, 1 + below(Math.min(5, length - position))));
    } else {
      const words = ["a", "bc ", "né", "🌱", "line\n", "rhizome "];
      this.follow(this.document.insert(below(length + 1), words[below(words.length)]));
    }
  }
}

function checkConvergence(module) {
  const [laptop, phone, late] = [1, 2, 3].map((number) => new Device(module, number));
  laptop.follow(laptop.document.insert(0, "Hello, wörld"));
  laptop.close();
  phone.take(laptop);
  assert.equal(phone.document.text(), "Hello, wörld");
  for (let round = 0; round < 40; ++round) {
    for (const device of [laptop, phone]) {
      for (let i = 0; i < 10; ++i) device.type();
      device.close();
    }
    if (round % 5 === 4) {
      laptop.take(phone);
      phone.take(laptop);
      assert.equal(laptop.document.text(), phone.document.text());
    }
  }
  late.take(phone);
  const text = laptop.document.text();
  assert.ok(text.length > 100);
  assert.equal(late.document.text(), text, "who comes late reads the same");
  assert.deepEqual(late.document.version(), laptop.document.version());
  assert.equal(late.document.eventCount(), 81);
  late.document.load(laptop.document.save());
  assert.equal(late.document.text(), text, "a checkpoint opens");
  return text.length;
}

function checkStructure(module) {
  const [laptop, phone] = [1, 2].map((number) => new Device(module, number));
  laptop.document.edit(encode([["map_set", [], "todos", { new: "list" }], ["map_set", [], "count", { new: "counter" }],
    ["list_insert", ["todos"], 0, ["water", "the plants"]], ["counter_add", ["count"], 3]]));
  laptop.close();
  phone.take(laptop);
  phone.document.edit(encode([["list_insert", ["todos"], 1, [null, true, -7, 1.5]], ["counter_add", ["count"], 4]]));
  laptop.document.edit(encode([["list_set", ["todos"], 0, "drown"], ["counter_add", ["count"], -1]]));
  phone.close();
  laptop.close();
  phone.take(laptop);
  laptop.take(phone);
  const value = decode(laptop.document.value(encode([])));
  assert.deepEqual(value, { count: 6, todos: ["drown", null, true, -7, 1.5, "the plants"] });
  assert.deepEqual(phone.document.value(encode([])), laptop.document.value(encode([])));
}

function checkErrors(module) {
  const fails = (code, call) => assert.throws(call, (error) => error instanceof RzError && error.code === code, `${code}`);
  const device = new Device(module, 1);
  fails(803, () => device.document.insert(1, "beyond the end"));
  fails(801, () => device.document.insert(0, "nowhere", encode(["nowhere"])));
  fails(6, () => device.document.insert(0, new Uint8Array([0xff])));
  fails(301, () => device.document.edit(new Uint8Array([0x80, 0x00])));
  fails(306, () => device.document.edit(encode([["text_swap", [], 0]])));
  fails(6, () => device.document.close({ author: device.author, feed: 0, seq: 0, depth: 1, own: 1, parents: [] }));
  const orphan = { id: Buffer.alloc(32, 1), author: device.author, feed: 0, seq: 0, depth: 1, own: 1,
    parents: [Buffer.alloc(32, 2)] };
  fails(800, () => device.document.apply(orphan, new Uint8Array()));
  fails(810, () => device.document.load(Buffer.from("not a checkpoint")));
  assert.equal(device.document.text(), "", "what is refused changes nothing");
}

function measureTyping(module) {
  const document = new Document(module, Buffer.alloc(32, 9));
  const edits = 20_000;
  const started = process.hrtime.bigint();
  for (let i = 0; i < edits; ++i) document.insert(i, "x");
  const us = Number(process.hrtime.bigint() - started) / 1000 / edits;
  assert.equal(document.text().length, edits);
  document.free();
  return us;
}

// --------------------------------------------------------------------------------------------------------------------

async function load(path) {
  const bytes = await readFile(path);
  const kib = (size) => `${(size / 1024).toFixed(1)} KiB`;
  console.log(`${path}: ${kib(bytes.length)}, ${kib(gzipSync(bytes, { level: 9 }).length)} gzipped`);
  return { module: await WebAssembly.compile(bytes), size: bytes.length };
}

async function main([path]) {
  selfTest(await readImportList(here("imports.txt")));
  console.log("self-test: a difference in the imports is found");
  if (path === "--self-test") return;
  if (!path) throw new Error("which module? node tests/wasm/smoke.mjs build/wasm/rhizome_document.wasm");

  const { module, size } = await load(path);
  await checkImports(module, "imports.txt", "the document");
  assert.ok(size <= documentBytesMax, `${size} bytes are more than ${documentBytesMax}`);
  const instance = await instantiate(module);
  assert.equal(instance.exports.rz_abi_version(), 1);
  const length = checkConvergence(instance);
  checkStructure(instance);
  checkErrors(instance);
  assert.deepEqual(instance.said, [], "a healthy module says nothing");
  console.log(`two documents typed into and merged: equal, ${length} characters, 81 events`);
  console.log(`typing: ${measureTyping(instance).toFixed(2)} us a character, patches and copies included`);

  const core = await load(join(dirname(path), "rhizome_core.wasm"));
  await checkImports(core.module, "core_imports.txt", "the core");
  assert.equal((await instantiate(core.module)).exports.rz_core_check(), 0, "hash, signature, sealing, CID (core_check.cc)");
  console.log("the whole core: imports as listed; hash, signature, sealing and CID are right");
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`smoke: ${error.stack}`);
  process.exit(1);
}
