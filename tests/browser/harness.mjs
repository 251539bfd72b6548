/**
 * One browser and two devices for the tests of the page: the mock pod by default, real daemons when RZ_URLS is given
 * ("http://127.0.0.1:4848/?token=…,http://127.0.0.1:4849/?token=…"). RZ_KILL_CMD and RZ_RESTART_CMD, shell commands,
 * kill -9 and restart the second of them. RZ_SHOTS names a directory for pictures.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const real = Boolean(process.env.RZ_URLS);
export const chromium_path = process.env.RZ_CHROMIUM ?? "/usr/bin/chromium";
export const can_run = existsSync(chromium_path);
export const can_kill = !real || Boolean(process.env.RZ_KILL_CMD && process.env.RZ_RESTART_CMD);

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--force-color-profile=srgb",
];

/** @param {{ empty?: boolean, alone?: boolean }} [options] only the mock can be empty or alone */
export async function start_pod(options = {}) {
  if (real) {
    const shell = (command) => execFileSync("/bin/sh", ["-c", command], { stdio: "inherit", timeout: 60_000 });
    return {
      urls: String(process.env.RZ_URLS)
        .split(",")
        .map((u) => u.trim()),
      mock: null,
      kill: async () => shell(String(process.env.RZ_KILL_CMD)),
      restart: async () => shell(String(process.env.RZ_RESTART_CMD)),
      close: async () => undefined,
    };
  }
  const { start_mock } = await import("../../web/dashboard/mock/server.mjs");
  const mock = await start_mock(options);
  const second = mock.daemons[1];
  return { urls: mock.urls, mock, kill: () => second?.stop(), restart: () => second?.start(), close: mock.close };
}

export async function start_browser() {
  // A context per window, as if each were another person's machine.
  const shared = await chromium.launch({ executablePath: chromium_path, args: flags });
  return {
    async window(options = {}) {
      const context = await shared.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", ...options });
      const page = await context.newPage();
      const problems = [];
      page.on("pageerror", (e) => problems.push(String(e)));
      page.on("console", (m) => {
        if (
          m.type() === "error" &&
          !/WebSocket|ERR_CONNECTION|Failed to load resource|ERR_EMPTY_RESPONSE/.test(m.text())
        )
          problems.push(m.text());
      });
      const outside = [];
      page.on("request", (r) => {
        if (!/^(http|ws)s?:\/\/127\.0\.0\.1[:/]|^(data|blob|about):/.test(r.url())) outside.push(r.url());
      });
      return Object.assign(page, { problems, outside });
    },
    close: () => shared.close(),
  };
}

/** A picture, when pictures are wanted. */
export async function shot(page, name) {
  const dir = process.env.RZ_SHOTS;
  if (!dir) return;
  mkdirSync(dir, { recursive: true });
  await page.screenshot({ path: join(dir, `${name}.png`) });
}

/** Waits until `read()` gives `wanted`, or fails with what it gave last. */
export async function until(read, wanted, timeout_ms = 10_000) {
  const end = Date.now() + timeout_ms;
  let got;
  do {
    got = await read();
    if (typeof wanted === "function" ? wanted(got) : got === wanted) return got;
    await new Promise((r) => setTimeout(r, 30));
  } while (Date.now() < end);
  const goal = typeof wanted === "function" ? String(wanted) : JSON.stringify(wanted);
  throw new Error(`still ${JSON.stringify(got)} after ${timeout_ms} ms, wanted ${goal}`);
}

/** The text in the editor, as its lines stand on the page. */
export const text_in = (page) =>
  page
    .locator(".cm-content")
    .evaluate((e) =>
      [...e.querySelectorAll(".cm-line")]
        .map((l) => (l.querySelector(".cm-placeholder") ? "" : l.textContent))
        .join("\n"),
    );
