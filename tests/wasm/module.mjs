// Loads a module of the core with what little of the world it gets: three functions of WASI that write messages, and
// for modules that draw secrets, randomness.
import { readFile } from "node:fs/promises";
import { getRandomValues } from "node:crypto";

// The imports as lines "module name", sorted: what tests/wasm/*.txt list.
export function importLines(module) {
  return WebAssembly.Module.imports(module).map(({ module, name }) => `${module} ${name}`).sort();
}

// What differs, in words; empty where nothing does.
export function importDifference(module, expected) {
  const found = importLines(module);
  return [
    ...found.filter((line) => !expected.includes(line)).map((line) => `imports ${line}, which is not on the list`),
    ...expected.filter((line) => !found.includes(line)).map((line) => `no longer imports ${line}: strike it off the list`),
  ];
}

export async function readImportList(url) {
  const lines = (await readFile(url, "utf8")).split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#")).sort();
}

// Instantiates and initialises. `said` collects what the module writes to its stderr.
export async function instantiate(module, random = getRandomValues) {
  const said = [];
  let memory;
  const view = () => new DataView(memory.buffer);
  const wasi_snapshot_preview1 = {
    fd_write(_fd, vectors, count, writtenAt) {
      let written = 0;
      for (let i = 0; i < count; ++i) {
        const [at, size] = [view().getUint32(vectors + 8 * i, true), view().getUint32(vectors + 8 * i + 4, true)];
        said.push(Buffer.from(memory.buffer, at, size).toString());
        written += size;
      }
      view().setUint32(writtenAt, written, true);
      return 0;
    },
    fd_close: () => 0,
    fd_seek: () => 70, // ESPIPE: a stream has no places.
  };
  const rhizome = { random_fill: (at, size) => void random(new Uint8Array(memory.buffer, at, size)) };
  const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1, rhizome });
  memory = instance.exports.memory;
  instance.exports._initialize?.();
  return { exports: instance.exports, memory, said };
}

export class RzError extends Error {
  constructor(code, name, message) {
    super(`${name} (${code}): ${message}`);
    this.code = code;
  }
}

const eventBytes = 104;
const wordsAt = { feed: 64, seq: 72, depth: 80, own: 88 };

// include/rhizome/document.h, one method a function.
export class Document {
  #rz;
  #memory;
  #handle;
  constructor({ exports, memory }, author, feed = 0n) {
    this.#rz = exports;
    this.#memory = memory;
    this.#handle = this.#with([author], ([at]) => exports.rz_document_new(at, feed));
  }
  free() { this.#rz.rz_document_free(this.#handle); }

  insert(position, text, path = []) {
    const bytes = Buffer.from(text);
    return this.#change([Buffer.from(path), bytes], ([at, textAt], out) => this.#rz.rz_document_text_insert(
      this.#handle, path.length ? at : 0, path.length, BigInt(position), textAt, bytes.length, out));
  }
  delete(position, count) {
    return this.#change([], (_, out) =>
      this.#rz.rz_document_text_delete(this.#handle, 0, 0, BigInt(position), BigInt(count), out));
  }
  edit(edits) {
    return this.#change([edits], ([at], out) => this.#rz.rz_document_edit(this.#handle, at, edits.length, out));
  }
  close(event) { return this.#change([], (_, out) => this.#withEvent(event, (at) =>
    this.#rz.rz_document_close_event(this.#handle, at, out))); }
  apply(event, payload) { return this.#change([payload], ([at], out) => this.#withEvent(event, (eventAt) =>
    this.#rz.rz_document_apply_event(this.#handle, eventAt, at, payload.length, out))); }
  applyProvisional(event, payload) { return this.#change([payload], ([at], out) => this.#withEvent(event, (eventAt) =>
    this.#rz.rz_document_apply_provisional(this.#handle, eventAt, at, payload.length, out))); }
  load(checkpoint) {
    const [out] = [this.#rz.rz_alloc(4)];
    const code = this.#with([checkpoint], ([at]) => this.#rz.rz_document_load(at, checkpoint.length, out));
    const handle = this.#view().getUint32(out, true);
    this.#rz.rz_free(out);
    if (code !== 0) throw this.#error(code, "");
    this.free();
    this.#handle = handle;
  }

  openOperations() { return Number(this.#rz.rz_document_open_operations(this.#handle)); }
  openParents() { return split(this.#read("open_parents"), 32); }
  openPayload() { return this.#read("open_payload"); }
  version() { return split(this.#read("version"), 32); }
  save() { return this.#read("save"); }
  text() { return this.#read("text", 0, 0).toString(); }
  value(path) { return this.#with([path], ([at]) => this.#read("value", at, path.length)); }
  eventCount() { return Number(this.#rz.rz_document_event_count(this.#handle)); }
  memoryBytes() { return Number(this.#rz.rz_document_memory(this.#handle)); }

  #view() { return new DataView(this.#memory.buffer); }
  // Copies byte strings into the module for the time of a call.
  #with(inputs, call) {
    const places = inputs.map((bytes) => {
      const at = this.#rz.rz_alloc(bytes.length);
      new Uint8Array(this.#memory.buffer, at, bytes.length).set(bytes);
      return at;
    });
    try {
      return call(places);
    } finally {
      for (const at of places) this.#rz.rz_free(at);
    }
  }
  #withEvent({ id, author, parents, ...words }, call) {
    const record = new Uint8Array(eventBytes);
    record.set(id ?? new Uint8Array(32), 0);
    record.set(author, 32);
    const view = new DataView(record.buffer);
    for (const [name, at] of Object.entries(wordsAt)) view.setBigUint64(at, BigInt(words[name]), true);
    return this.#with([Buffer.concat(parents)], ([parentsAt]) => {
      view.setUint32(96, parentsAt, true);
      view.setUint32(100, parents.length, true);
      return this.#with([record], ([at]) => call(at));
    });
  }
  // A call that gives bytes; they come back as a copy.
  #taken(call) {
    const out = this.#rz.rz_alloc(8);
    this.#view().setBigUint64(out, 0n);
    try {
      const code = call(out);
      if (code !== 0) throw this.#error(code, this.#message());
      const [at, size] = [this.#view().getUint32(out, true), this.#view().getUint32(out + 4, true)];
      return Buffer.from(new Uint8Array(this.#memory.buffer, at, size));
    } finally {
      this.#rz.rz_bytes_free(out);
      this.#rz.rz_free(out);
    }
  }
  #change(inputs, call) { return this.#with(inputs, (places) => this.#taken((out) => call(places, out))); }
  #read(what, ...args) { return this.#taken((out) => this.#rz[`rz_document_${what}`](this.#handle, ...args, out)); }
  #message() {
    const out = this.#rz.rz_alloc(8);
    this.#rz.rz_document_error(this.#handle, out, 0);
    const [at, size] = [this.#view().getUint32(out, true), this.#view().getUint32(out + 4, true)];
    const words = Buffer.from(this.#memory.buffer, at, size).toString();
    this.#rz.rz_bytes_free(out);
    this.#rz.rz_free(out);
    return words;
  }
  #error(code, message) {
    const at = this.#rz.rz_error_name(code);
    const bytes = new Uint8Array(this.#memory.buffer, at);
    return new RzError(code, Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString(), message);
  }
}

function split(bytes, size) {
  return Array.from({ length: bytes.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}
