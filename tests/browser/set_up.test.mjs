/**
 * A device without a pod, in a real browser on the real program: makes one, joins one, and, when all are lost, brings one
 * back with the paper.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { can_run, real, shot, start_browser, until } from "./harness.mjs";

const root = new URL("../..", import.meta.url).pathname;
const binary = process.env.RZ_BINARY ?? join(root, "build/release/bin/rhizome");
const page_folder = join(root, "web/dashboard/dist");
const skip = !can_run
  ? "skipped: no chromium"
  : real
    ? "skipped: makes its own devices"
    : existsSync(binary) && existsSync(page_folder)
      ? false
      : "skipped: the program is not built";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let folder;
let browser;
const running = new Map();

/** `rhizome up` on a folder of its own; the first line that it prints. */
async function up(name) {
  const child = spawn(
    binary,
    ["up", "--json", "--data", join(folder, name), "--http", "0", "--listen", "/ip4/127.0.0.1/tcp/0", "--page", page_folder],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  running.set(name, child);
  const lines = createInterface({ input: child.stdout });
  const first = await new Promise((done, failed) => {
    lines.once("line", (line) => done(JSON.parse(line)));
    child.once("exit", (code) => failed(new Error(`${name} ended with ${code}`)));
  });
  return first;
}

async function end(name) {
  const child = running.get(name);
  running.delete(name);
  if (!child || child.exitCode !== null) return child?.exitCode;
  child.kill("SIGTERM");
  return new Promise((done) => child.once("exit", done));
}

/** A call as the page makes it. */
const call = (page, method, path, body) =>
  page.evaluate(
    async ([m, p, b]) => (await fetch(p, { method: m, body: b === undefined ? undefined : JSON.stringify(b) })).json(),
    [method, path, body],
  );

async function no_barriers(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run());
  assert.deepEqual(
    result.violations.map((v) => `${v.id}: ${v.nodes[0]?.html}`),
    [],
  );
}

const choose = (page, title) => page.getByRole("radio", { name: title }).check();

/** `owner` says yes to whoever holds the code. */
async function invited(owner, kind) {
  const { link, code } = await call(owner, "POST", "/api/devices/invite", { kind });
  return { link, code };
}

let laptop;
let sheet;

before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), "rhizome-set-up-"));
  browser = await start_browser();
});

after(async () => {
  await browser?.close();
  for (const name of [...running.keys()]) await end(name);
  if (folder) rmSync(folder, { recursive: true, force: true });
});

test("one command, a page, a pod, and the paper key at once", { skip }, async () => {
  const begun = await up("laptop");
  assert.equal(begun.state, "set-up");
  laptop = await browser.window();
  await laptop.goto(begun.url);
  await laptop.getByRole("heading", { name: "Welcome to Rhizome" }).waitFor();
  assert.equal(await laptop.title(), "Welcome · Rhizome");
  await shot(laptop, "set-up");
  await no_barriers(laptop);
  await laptop.getByLabel("What to call this device").fill("laptop");
  await laptop.getByRole("button", { name: "Make my pod" }).click();
  await laptop.getByRole("heading", { name: "Paper key" }).first().waitFor();
  const status = await call(laptop, "GET", "/api/status");
  assert.equal(status.name, "laptop");
  assert.equal(status.role, "alone");
  const paper = await call(laptop, "GET", "/api/paper");
  assert.equal(paper.words.length, 24);
  await call(laptop, "POST", "/api/documents?wait=local", { title: "Kept", text: "what must not get lost" });
});

test("another device joins with the link, on a narrow screen; a wrong code says what to do", { skip }, async () => {
  const begun = await up("phone");
  const phone = await browser.window({ viewport: { width: 390, height: 844 } });
  await phone.goto(begun.url);
  await choose(phone, "I have a pod on another device");
  const field = phone.getByLabel("The link, or the code");
  await field.fill("not a code");
  await phone.getByRole("button", { name: "Join" }).click();
  await phone.getByRole("alert").waitFor();
  assert.equal(await field.inputValue(), "not a code", "errors keep what was typed");
  const { link, code } = await invited(laptop, "personal");
  await field.fill(code);
  await phone.getByRole("button", { name: "Join" }).click();
  await phone.getByText("A typed code does not say where the other device is").waitFor();
  await phone.getByLabel("Where the other device listens").waitFor();
  await shot(phone, "set-up-join");
  await no_barriers(phone);
  await field.fill(link);
  await phone.getByLabel("What to call this device").fill("phone");
  await phone.getByRole("button", { name: "Join" }).click();
  const shown = await phone.getByLabel("Fingerprint").textContent();
  await laptop.evaluate(() => {
    location.hash = "#/add";
  });
  await laptop.getByText("Is this the device in front of you?").waitFor();
  assert.equal(await laptop.getByLabel("Fingerprint").textContent(), shown);
  await shot(phone, "set-up-asking");
  await laptop.getByRole("button", { name: "Yes, add it" }).click();
  await phone.getByText("Kept").first().waitFor();
});

test("all is lost: the paper in one field, and the pod is back", { skip }, async () => {
  const begun = await up("cloud");
  const cloud = await browser.window();
  await cloud.goto(begun.url);
  const { link } = await invited(laptop, "cloud");
  await choose(cloud, "I have a pod on another device");
  await cloud.getByLabel("The link, or the code").fill(link);
  await cloud.getByLabel("What to call this device").fill("cloud");
  await cloud.getByRole("button", { name: "Join" }).click();
  await laptop.getByRole("button", { name: "Yes, add it" }).click();
  await cloud.getByRole("link", { name: "Devices", exact: true }).waitFor();
  await until(
    async () => {
      const { devices } = await call(laptop, "GET", "/api/devices");
      return devices.find((d) => d.name === "cloud")?.lag_events === 0 && devices.every((d) => d.online);
    },
    true,
    30_000,
  );
  const note = (await call(laptop, "GET", "/api/documents")).documents[0].id;
  await until(async () => (await call(laptop, "GET", `/api/documents/${note}`)).state, "committed", 30_000);
  await until(async () => (await call(laptop, "GET", "/api/paper")).addresses.length > 0, true, 30_000);
  const paper = await call(laptop, "GET", "/api/paper");
  const at = (await call(cloud, "GET", "/api/status")).addresses[0];
  sheet = [paper.words.join(" "), paper.did, at].join("\n");
  assert.equal(await end("laptop"), 0);
  assert.equal(await end("phone"), 0);

  const anew = await up("new laptop");
  const page = await browser.window();
  await page.goto(anew.url);
  await choose(page, "I have lost all my devices");
  const field = page.getByLabel("Your paper: the 24 words");
  await field.fill(sheet.replace(/^\S+/, "zebra"));
  await page.getByRole("button", { name: "Bring it back" }).click();
  await page.getByRole("alert").waitFor();
  await shot(page, "set-up-wrong-paper");
  await field.fill(sheet);
  await page.getByLabel("What to call this device").fill("new laptop");
  await page.getByRole("button", { name: "Bring it back" }).click();
  await page.getByRole("heading", { name: "Your pod is back" }).waitFor({ timeout: 60_000 });
  await page.getByText("What was written on a lost device and had reached no other one.").waitFor();
  await shot(page, "set-up-back");
  await no_barriers(page);
  await page.getByRole("button", { name: "To the next paper key" }).click();
  await page.getByRole("heading", { name: "Paper key" }).first().waitFor();
  const next = await call(page, "GET", "/api/paper");
  assert.equal(next.did, paper.did);
  assert.notDeepEqual(next.words, paper.words);
  assert.equal((await call(page, "GET", `/api/documents/${note}`)).text, "what must not get lost");
  await page.evaluate(() => {
    location.hash = "#/notes";
  });
  await page.getByText("Kept").first().waitFor();
});
