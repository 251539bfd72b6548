/** The question that one device asks the others, on both pages; the paper key; a contest. On the mock. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { can_run, real, shot, start_browser, start_pod, until } from "./harness.mjs";

const skip = can_run ? (real ? "skipped: mock only" : false) : "skipped: no chromium";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let pod;
let world;
let browser;
let laptop;
let phone;
let paper;

const go = (page, place) =>
  page.evaluate((p) => {
    location.hash = `#/${p}`;
  }, place);

async function no_barriers(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run());
  assert.deepEqual(
    result.violations.map((v) => `${v.id}: ${v.nodes[0]?.html}`),
    [],
  );
}

before(async () => {
  if (skip) return;
  pod = await start_pod();
  world = pod.mock.world;
  for (const name of ["tablet", "desk"])
    world.devices.push({ ...world.device(name, "personal", world.devices.length), established: true, voter: false });
  // Four established: three would have to agree. Two suffice for these pages.
  world.devices.at(-1).established = false;
  browser = await start_browser();
  laptop = await browser.window();
  phone = await browser.window({ viewport: { width: 390, height: 844 } });
  await laptop.goto(pod.urls[0]);
  await phone.goto(pod.urls[1]);
  paper = await laptop.evaluate(async () => (await (await fetch("/api/paper")).json()).words.join(" "));
});

after(async () => {
  await browser?.close();
  await pod?.close();
});

const card = (page, name) => page.getByRole("article", { name, exact: true });

test("what is missing is said before the click, then the others are asked", { skip }, async () => {
  await go(laptop, "lost");
  await card(laptop, "tablet").getByText("Needs a yes on phone as well, or your paper key.").waitFor();
  await card(laptop, "tablet").getByRole("button", { name: "Start removing tablet…" }).click();
  await shot(laptop, "second-yes-before");
  await card(laptop, "tablet").getByRole("button", { name: "Ask my other devices" }).click();
  await card(laptop, "This device asks to remove tablet for good").getByText("not said yet: phone").waitFor();
  await card(laptop, "tablet").getByText("Your other devices are asked:").waitFor();
  await shot(laptop, "second-yes-asked");
  assert.ok(world.devices.some((d) => d.name === "tablet"));
});

test("the other device shows who asks, for what, since when, and two buttons", { skip }, async () => {
  await phone.getByText("laptop asks to remove tablet for good.").waitFor();
  await phone.getByRole("link", { name: "Look and answer" }).click();
  const question = card(phone, "laptop asks to remove tablet for good");
  await question.getByText("Asked just now").waitFor();
  await question.getByRole("button", { name: "Yes, remove tablet" }).waitFor();
  await shot(phone, "second-yes-question");
  await no_barriers(phone);
  await question.getByRole("button", { name: "No", exact: true }).click();
  await question.getByText("no: phone").waitFor();
  await card(laptop, "This device asks to remove tablet for good").getByText("no: phone").waitFor();
  assert.equal(await question.getByRole("button", { name: "You said no" }).isDisabled(), true);
  await question.getByRole("button", { name: "Yes, remove tablet" }).click();
  await until(() => world.devices.some((d) => d.name === "tablet"), false);
  await until(() => question.count(), 0);
});

test("a yes waits until all that it signs is here, and says what it would leave out", { skip }, async () => {
  world.devices.push({ ...world.device("tablet", "personal", 3), established: true, voter: false });
  const by_name = (name) => world.devices.find((d) => d.name === name);
  const request = world.ask(by_name("laptop"), by_name("tablet"), "remove");
  Object.assign(request, { details_here: false, left_out: 3 });
  world.everybody("devices");
  const question = card(phone, "laptop asks to remove tablet for good");
  await question.getByText("still on its way").waitFor();
  assert.equal(await question.getByRole("button", { name: "Yes, remove tablet" }).isDisabled(), true);
  request.details_here = true;
  world.everybody("devices");
  await question.getByText("3 changes of tablet that you have here would no longer count.").waitFor();
  assert.equal(await question.getByRole("button", { name: "Yes, remove tablet" }).isDisabled(), false);
});

test("who asked takes it back", { skip }, async () => {
  await go(laptop, "devices");
  await card(laptop, "This device asks to remove tablet for good").getByRole("button", { name: "Take it back" }).click();
  await until(() => world.requests.length, 0);
  await until(() => card(phone, "laptop asks to remove tablet for good").count(), 0);
});

test("the paper key removes: wrong words are said to be wrong and stay, right ones are forgotten", { skip }, async () => {
  await go(laptop, "lost");
  const tablet = card(laptop, "tablet");
  await tablet.getByRole("button", { name: "Start removing tablet…" }).click();
  await tablet.getByRole("button", { name: "Use the paper key" }).click();
  const words = tablet.getByLabel("The 24 words of your paper key");
  const use = tablet.getByRole("button", { name: "Remove it with the paper key" });
  await words.fill("one two three");
  assert.equal(await use.isDisabled(), true, "three words are no paper key");
  await words.fill(paper.split(" ").reverse().join(" "));
  await use.click();
  await tablet.getByRole("alert").getByText("not the paper key in force").waitFor();
  assert.equal((await words.inputValue()).split(" ").length, 24, "errors keep what was typed");
  await shot(laptop, "second-yes-paper");
  await no_barriers(laptop);
  await words.fill(`  ${paper}\n`);
  await use.click();
  await until(() => world.devices.some((d) => d.name === "tablet"), false);
  const kept = await laptop.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.body.innerHTML);
  assert.ok(!kept.includes(paper.split(" ").slice(0, 3).join(" ")), "the words are still in the page");
});

test("a suspension is lifted with a second yes", { skip }, async () => {
  const desk = world.devices.find((d) => d.name === "desk");
  desk.suspended = true;
  world.everybody("devices");
  await go(laptop, "devices");
  await card(laptop, "desk").getByText("Suspended. Lift or remove").click();
  await card(laptop, "desk").getByText("To lift this: Needs a yes on phone as well, or your paper key.").waitFor();
  await card(laptop, "desk").getByRole("button", { name: "Lift the suspension…" }).click();
  await card(laptop, "desk").getByRole("button", { name: "Ask my other devices" }).click();
  await card(phone, "laptop asks to lift the suspension of desk").getByRole("button", { name: "Yes, I agree" }).click();
  await until(() => desk.suspended, false);
});

test("a contest: both changes, what it means, and the paper key decides", { skip }, async () => {
  const rival = (id, text, more) => ({
    id,
    what: "remove",
    text,
    by: world.devices[0].id,
    by_name: "laptop",
    device_name: "desk",
    time_ms: Date.now() - 3_600_000,
    paper: false,
    followed_here: false,
    ...more,
  });
  world.rivals = [
    rival("bafyone", "laptop removes desk", { followed_here: true }),
    rival("bafytwo", "laptop removes phone", { paper: true }),
  ];
  world.everybody("devices");
  await go(laptop, "notes");
  await laptop.getByRole("link", { name: "Look and decide" }).click();
  const contest = card(laptop, "Two changes contradict each other");
  await contest.getByText("This device follows it for now").waitFor();
  assert.equal(await contest.getByLabel("The 24 words of your paper key").count(), 0, "first which, then the words");
  await contest.getByRole("radio", { name: /laptop removes desk/ }).check();
  await contest.getByLabel("The 24 words of your paper key").fill(paper);
  await shot(laptop, "contest");
  await no_barriers(laptop);
  await contest.getByRole("button", { name: "Decide" }).click();
  await until(() => world.rivals.length, 0);
  await until(() => contest.count(), 0);
});

test("somebody found the paper: the older devices undo it together", { skip }, async () => {
  const thief = { ...world.device("old tablet", "personal", world.devices.length), established: false, voter: false };
  world.devices.push(thief);
  world.recovered = thief;
  world.everybody("devices", "status");
  await go(laptop, "notes");
  await laptop.getByText("Somebody recovered this pod with the paper key").waitFor();
  await laptop.getByRole("link", { name: "Undo it" }).click();
  const found = laptop.getByRole("region", { name: "The recovery onto old tablet" });
  await found.getByText("your older devices have to say yes together").waitFor();
  await shot(laptop, "found-paper");
  await no_barriers(laptop);
  await found.getByRole("button", { name: "Undo the recovery" }).click();
  await until(() => found.count(), 0);
  const question = card(phone, "laptop asks to undo the recovery onto old tablet");
  await go(phone, "devices");
  await question.getByText("Whoever holds that paper could try again").waitFor();
  await question.getByRole("button", { name: "Yes, I agree" }).click();
  await until(() => world.devices.some((d) => d.name === "old tablet"), false);
  await until(() => laptop.getByText("Somebody recovered this pod").count(), 0);
});

test("nothing went wrong underneath", { skip }, () => {
  assert.deepEqual([...laptop.problems, ...phone.problems], []);
  assert.deepEqual([...laptop.outside, ...phone.outside], []);
});
