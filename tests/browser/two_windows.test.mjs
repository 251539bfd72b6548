/** Two people in one text, on two devices; one dies and comes back. Runs on the mock and on real daemons. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { can_kill, can_run, shot, start_browser, start_pod, text_in, until } from "./harness.mjs";

const skip = can_run ? false : "skipped: no chromium";
let pod;
let browser;
let a;
let b;
const title = `Two windows ${process.pid}`;

async function open_note(page, url) {
  await page.goto(url);
  await page.locator("aside li a", { hasText: title }).click();
  await page.locator(".cm-content").waitFor();
}

const equal = async (timeout_ms = 15_000) => {
  await until(async () => (await text_in(a)) === (await text_in(b)), true, timeout_ms);
  return text_in(a);
};

/** Puts the caret at the end of the line that starts with `start`. */
async function caret(page, start) {
  await page.locator(".cm-line", { hasText: start }).first().click();
  await page.keyboard.press("End");
}

before(async () => {
  if (skip) return;
  pod = await start_pod();
  browser = await start_browser();
  a = await browser.window();
  b = await browser.window({ colorScheme: "dark" });
  await a.goto(pod.urls[0]);
  await a.getByRole("button", { name: "New note" }).click();
  await a.getByLabel("Title", { exact: true }).fill(title);
  await a.getByLabel("Title", { exact: true }).press("Enter");
  await a.keyboard.type("First line 😀\nSecond line\n");
  await b.goto(pod.urls[1]);
  await b.locator("aside li a", { hasText: title }).waitFor({ timeout: 15_000 });
  await open_note(b, pod.urls[1]);
});

after(async () => {
  await browser?.close();
  await pod?.close();
});

test("both see one text", { skip }, async () => {
  assert.equal(await equal(), "First line 😀\nSecond line\n");
});

test("both type at once, at one place and at different places, and end equal", { skip }, async () => {
  await caret(a, "First");
  await caret(b, "Second");
  await Promise.all([
    a.keyboard.type(" from the laptop 🌱", { delay: 12 }),
    b.keyboard.type(" from the phone 𝕏", { delay: 9 }),
  ]);
  assert.equal(await equal(), "First line 😀 from the laptop 🌱\nSecond line from the phone 𝕏\n");
  await a.keyboard.press("Control+End");
  await b.keyboard.press("Control+End");
  await Promise.all([a.keyboard.type("aaaaaaaaaa", { delay: 7 }), b.keyboard.type("bbbbbbbbbb", { delay: 8 })]);
  const last = (await equal()).split("\n").at(-1) ?? "";
  assert.equal([...last].sort().join(""), "aaaaaaaaaabbbbbbbbbb");
});

test("each sees the other's name and cursor, and no cursor jumps when others type", { skip }, async () => {
  await caret(b, "Second");
  await b.keyboard.type("!");
  await a.locator(".person").waitFor();
  assert.match((await a.locator(".person-name").first().textContent()) ?? "", /\S/);
  assert.ok((await a.locator(".people-here li").count()) >= 1);
  const at = () =>
    b.evaluate(() => {
      const s = getSelection();
      return `${s?.anchorNode?.textContent?.slice(0, s.anchorOffset)}|`;
    });
  const before = await at();
  await caret(a, "First");
  await a.keyboard.type(" and more\nwith a new line");
  await equal();
  assert.equal(await at(), before);
  await shot(a, "two-windows-light");
  await shot(b, "two-windows-dark");
});

test("undo takes back only what was typed here", { skip }, async () => {
  await a.keyboard.press("Control+End");
  await a.keyboard.type("\nMINE");
  await equal();
  await caret(b, "Second");
  await b.keyboard.type(" THEIRS");
  await equal();
  await a.locator(".cm-content").focus();
  await a.keyboard.press("Control+z");
  const text = await equal();
  assert.ok(!text.includes("MINE"), text);
  assert.ok(text.includes("THEIRS"), text);
  await a.keyboard.press("Control+Shift+Z");
  assert.ok((await equal()).includes("MINE"));
});

test("the dot fills until the text is in order on the pod", { skip }, async () => {
  await a.locator(".cm-content").focus();
  await a.keyboard.type(".");
  await until(() => a.locator("article .save .name").textContent(), "in order on your pod");
});

test("one device dies, both go on, it comes back, both are equal, nothing typed is lost", {
  skip: skip || (can_kill ? false : "skipped: no RZ_KILL_CMD"),
}, async () => {
  await caret(b, "Second");
  await b.keyboard.type(" just before");
  await pod.kill();
  await b.locator("footer").getByText("program is away").waitFor();
  await caret(b, "Second");
  await b.keyboard.type(" while it was dead 😀", { delay: 5 });
  await a.keyboard.press("Control+End");
  await a.keyboard.type("\nThe other went on", { delay: 5 });
  await until(() => b.locator("article .save .name").textContent(), "on this screen");
  await pod.restart();
  await b.locator("footer").getByText("program is away").waitFor({ state: "detached", timeout: 30_000 });
  const text = await equal(30_000);
  for (const wanted of ["just before", "while it was dead 😀", "The other went on"])
    assert.ok(text.includes(wanted), text);
  assert.equal(text.split("while it was dead").length, 2, "nothing twice");
  await until(
    () => b.locator("article .save .name").textContent(),
    (s) => s !== "on this screen",
    15_000,
  );
});

test("text typed while the device was away survives a closed page", {
  skip: skip || (can_kill ? false : "skipped: no RZ_KILL_CMD"),
}, async () => {
  await pod.kill();
  await b.locator("footer").getByText("program is away").waitFor();
  await b.locator(".cm-content").focus();
  await b.keyboard.press("Control+End");
  await b.keyboard.type("\nBefore the page closed");
  await b.waitForTimeout(500);
  await pod.restart();
  const context = b.context();
  await b.close();
  b = await context.newPage();
  await open_note(b, pod.urls[1]);
  assert.ok((await equal(30_000)).includes("Before the page closed"));
});

test("a removed note goes from both, and one click puts it back", { skip }, async () => {
  await a.getByRole("button", { name: "New note" }).click();
  await a.getByLabel("Title", { exact: true }).fill(`Bin ${title}`);
  await a.getByLabel("Title", { exact: true }).press("Enter");
  await a.keyboard.type("Keep me");
  await b.locator("aside li a", { hasText: `Bin ${title}` }).waitFor({ timeout: 15_000 });
  await a.getByRole("button", { name: "Remove", exact: true }).click();
  await a.getByText("is removed, on all your devices").waitFor();
  await shot(a, "removed");
  await b.locator("aside li a", { hasText: `Bin ${title}` }).waitFor({ state: "detached", timeout: 15_000 });
  await b.getByText("Removed notes").click();
  await b.getByRole("button", { name: `Put “Bin ${title}” back` }).waitFor();
  await a.getByRole("button", { name: "Undo" }).click();
  await b.locator("aside li a", { hasText: `Bin ${title}` }).waitFor({ timeout: 15_000 });
  await a.locator(".cm-content").waitFor();
  await until(() => text_in(a), "Keep me");
});

test("the pages had no errors and asked nobody else", { skip }, () => {
  assert.deepEqual(a.problems, []);
  assert.deepEqual(a.outside, []);
});
