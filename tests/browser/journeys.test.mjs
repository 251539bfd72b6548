/** The journeys of a first day, on the mock: they need a pod that obeys. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { can_run, real, shot, start_browser, start_pod, text_in, until } from "./harness.mjs";

const skip = can_run ? (real ? "skipped: mock only" : false) : "skipped: no chromium";
let pod;
let browser;
let page;

before(async () => {
  if (skip) return;
  pod = await start_pod({ empty: true, alone: true });
  browser = await start_browser();
  page = await browser.window();
  await page.goto(pod.urls[0]);
});

after(async () => {
  await browser?.close();
  await pod?.close();
});

const go = (place) =>
  page.evaluate((p) => {
    location.hash = `#/${p}`;
  }, place);

test("the first minute: an empty pod teaches, one key makes a note", { skip }, async () => {
  await page.getByText("This is your pod.").waitFor();
  await page.getByText("Your first note is one key away").waitFor();
  await page.getByRole("link", { name: "Print the paper key" }).waitFor();
  await shot(page, "first-minute");
  await page.keyboard.press("n");
  await page.locator(".cm-content").waitFor();
  await until(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Title");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Hello, pod");
  await until(() => page.locator("article .save .name").textContent(), "on this device");
});

test("the token leaves the address bar", { skip }, () => {
  assert.ok(!page.url().includes("token"));
});

test("adding a device: code, question, bar, done", { skip }, async () => {
  await go("add");
  await page.getByRole("button", { name: "Show the code" }).click();
  await page.getByText("Waiting for the other device").waitFor();
  assert.match((await page.getByRole("timer").textContent()) ?? "", /^(10:00|9:5\d)$/);
  assert.equal(await page.getByLabel("Code", { exact: true }).locator("span").count(), 6);
  await shot(page, "add-code");
  pod.mock.world.newcomer({ name: "Noor's tablet", fingerprint: "7F3A91C2D05B48E6" });
  await page.getByText("Is this the device in front of you?").waitFor();
  await go("notes");
  await page.getByText("asks to be added to your pod").waitFor();
  await page.getByRole("link", { name: "Look and answer" }).click();
  assert.equal(await page.getByLabel("Fingerprint").textContent(), "7F3A 91C2 D05B 48E6");
  await shot(page, "add-question");
  await page.getByRole("button", { name: "Yes, add it" }).click();
  await page.getByRole("progressbar").waitFor();
  await shot(page, "add-copying");
  await page.getByText("is part of your pod").waitFor();
  pod.mock.world.set_pairing({ state: "idle" });
  await page.waitForTimeout(100);
  await page.getByText("is part of your pod").waitFor();
  await go("devices");
  await page.getByRole("article", { name: "Noor's tablet" }).waitFor();
});

test("adding a device: no means no, and says whose turn it is", { skip }, async () => {
  await go("add");
  await page.getByRole("button", { name: "Show the code" }).click();
  await page.getByText("Waiting for the other device").waitFor();
  pod.mock.world.newcomer({ name: "stranger", fingerprint: "00" });
  await page.getByRole("button", { name: "No", exact: true }).click();
  await page.getByRole("alert").getByText("show a new code here and use it there").waitFor();
  await page.getByRole("button", { name: "Start again here" }).click();
  await page.getByRole("button", { name: "Show the code" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Show the code" }).waitFor();
  assert.equal(pod.mock.world.pairing.state, "idle");
  await page.getByRole("button", { name: "Show the code" }).click();
  await page.getByText("Waiting for the other device").waitFor();
  pod.mock.world.set_pairing({ state: "idle" });
  await page.getByText("The code has run out").waitFor();
});

test("a lost device: suspended in one click; what removal takes is said before", { skip }, async () => {
  await go("notes");
  await page.getByRole("link", { name: "Lost a device?" }).first().click();
  await page.getByText("What a thief can and can't see").waitFor();
  await page.getByText("This device's yes is enough.").waitFor();
  await shot(page, "lost");
  await page.getByRole("button", { name: "Suspend Noor's tablet" }).click();
  await page.getByRole("button", { name: "Lift the suspension" }).waitFor();
  await page.getByRole("button", { name: "Remove Noor's tablet…" }).click();
  await page.getByRole("button", { name: "Yes, remove it" }).click();
  await page.getByText("This is your only device").waitFor();
});

test("the paper key: hidden, shown, printed, asked for, confirmed", { skip }, async () => {
  await go("devices");
  await page.getByRole("link", { name: "To the paper key" }).first().click();
  await page.getByRole("heading", { name: "Paper key", exact: true }).waitFor();
  assert.equal(await page.locator(".words li").count(), 0);
  await page.getByRole("button", { name: "Show the words" }).click();
  assert.equal(await page.locator(".words li").count(), 24);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.getByRole("button", { name: "Print the sheet" }).isVisible(), false);
  assert.equal(await page.locator(".words").isVisible(), true);
  await shot(page, "paper-print");
  await page.emulateMedia({ media: null });
  await shot(page, "paper");
  await page.getByLabel("Word 3").fill("candle ");
  await page.getByLabel("Word 11").fill("wrong");
  await page.getByLabel("Word 20").fill("umbrella");
  await page.getByRole("button", { name: "I have it on paper" }).click();
  await page.getByRole("alert").getByText("number 11").waitFor();
  assert.equal(await page.getByLabel("Word 3").inputValue(), "candle ", "errors keep what was typed");
  const words = await page.locator(".words .w").allTextContents();
  await page.getByLabel("Word 11").fill(words[10]);
  await page.getByLabel("Word 20").fill(words[19]);
  await page.getByRole("button", { name: "I have it on paper" }).click();
  await page.getByText("Right. You have it.").waitFor();
  assert.equal(await page.getByRole("link", { name: "To the paper key" }).count(), 0, "no more reminder");
});

test("activity: who, what, where; pause holds the list still", { skip }, async () => {
  await go("activity");
  await page.getByText("laptop wrote in").first().waitFor();
  const rows = page.locator("details.event");
  await page.getByRole("button", { name: "Pause" }).click();
  const before = await rows.count();
  pod.mock.world.wrote(pod.mock.world.create("Meanwhile", ""), pod.mock.world.devices[0], 1);
  await page.getByRole("button", { name: /Go on \(\d+ new change/ }).click();
  await until(
    () => rows.count(),
    (n) => n > before,
  );
  await rows.first().locator("summary").click();
  await page.getByText("bafyrei").first().waitFor();
});

test("leaving: one command, and a complete copy", { skip }, async () => {
  await page.getByRole("link", { name: "Your notes as plain files" }).click();
  await page.getByText("rhizome doc export --all my-notes").waitFor();
  await page.getByRole("button", { name: "Write a complete copy" }).click();
  await page.getByText("400.car").waitFor();
});

test("words: the surface speaks of pods, devices and documents only", { skip }, async () => {
  for (const place of ["notes", "devices", "add", "lost", "activity", "leaving"]) {
    await go(place);
    await page.waitForTimeout(150);
    const surface = await page.locator("#app").evaluate((root) => {
      const copy = root.cloneNode(true);
      for (const d of copy.querySelectorAll("details:not(.event), dialog")) d.remove();
      for (const d of copy.querySelectorAll("details.event > :not(summary)")) d.remove();
      return copy.textContent ?? "";
    });
    assert.doesNotMatch(surface, /\b(DID|CID|[Rr]aft|[Qq]uorum|[Ee]poch|[Ss]eal|[Pp]eer)\b/, place);
  }
});

test("in a tunnel: the text stays, nothing nags, and it is saved when the device is back", { skip }, async () => {
  await go("notes");
  await page.locator("aside li a", { hasText: "Untitled" }).first().click();
  await page.locator(".cm-content").click();
  const first = pod.mock.daemons[0];
  await first.stop();
  await page.locator("footer").getByText("program is away").waitFor();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(" and on");
  await page.getByLabel("Title", { exact: true }).fill("Tunnel");
  await until(() => page.locator("article .save .name").textContent(), "on this screen");
  assert.equal(await page.getByRole("alert").count(), 0, "nothing nags");
  await shot(page, "tunnel");
  assert.equal(await text_in(page), "Hello, pod and on");
  await first.start();
  await until(() => page.locator("article .save .name").textContent(), "on this device", 15_000);
  await until(() => pod.mock.world.documents().some((d) => d.title === "Tunnel"), true, 15_000);
  assert.equal(await text_in(page), "Hello, pod and on");
});

test("without the token the page says how to get in", { skip }, async () => {
  const stranger = await browser.window();
  await stranger.goto(pod.urls[0].split("?")[0]);
  await stranger.getByText("This page needs its key").waitFor();
  await stranger.close();
  assert.deepEqual(page.problems, []);
  assert.deepEqual(page.outside, []);
});
