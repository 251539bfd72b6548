/** `npm run pictures [-- DIR]`: the pictures of the README and the guides, taken from the mock pod (default: ./pictures). */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { start_browser, start_pod, text_in, until } from "./harness.mjs";

const dir = process.argv[2] ?? "pictures";
const note = "Plans for the garden";
const size = { width: 800, height: 600 };

async function open_note(browser, url, options) {
  const page = await browser.window({ viewport: size, reducedMotion: "reduce", ...options });
  await page.goto(url);
  await page.locator("aside li a", { hasText: note }).click();
  await page.locator(".cm-content").waitFor();
  return page;
}

/** Pictures side by side on one sheet, like windows on a table. */
async function sheet(browser, pictures, background) {
  const page = await browser.window({
    viewport: { width: 40 + pictures.length * (size.width + 40), height: size.height + 80 },
  });
  const images = pictures.map((p) => `<img src="data:image/png;base64,${p.toString("base64")}">`).join("");
  const style = `body{margin:0;padding:40px;display:flex;gap:40px;background:${background}}
    img{border-radius:12px;box-shadow:0 1px 3px #0004,0 16px 40px #0003}`;
  await page.setContent(`<style>${style}</style>${images}`);
  return page.screenshot();
}

async function two_windows(browser, pod) {
  const a = await open_note(browser, pod.urls[0], { colorScheme: "light" });
  const b = await open_note(browser, pod.urls[1], { colorScheme: "dark" });
  await b.locator(".cm-line", { hasText: "ask Noor" }).click();
  await b.keyboard.press("End");
  await b.keyboard.type(", and for cuttings");
  await a.locator(".cm-line", { hasText: "dig the second bed" }).click();
  await a.keyboard.press("End");
  await a.keyboard.type(", or before");
  await until(async () => (await text_in(a)) === (await text_in(b)), true);
  for (let i = 0; i < 9; i++) await b.keyboard.press("Shift+ArrowLeft");
  await until(() => a.locator("article .save .name").textContent(), "in order on your pod");
  await a.waitForTimeout(300);
  return [await a.screenshot(), await b.screenshot()];
}

async function places(browser, pod) {
  const page = await browser.window({ viewport: { width: 1100, height: 700 } });
  await page.goto(pod.urls[0]);
  await page.locator("aside li").first().waitFor();
  const save = async (name) => writeFileSync(join(dir, `${name}.png`), await page.screenshot());
  const go = (place) =>
    page.evaluate((p) => {
      location.hash = `#/${p}`;
    }, place);
  await go("devices");
  await page.waitForTimeout(200);
  await save("devices");
  await go("add");
  await page.getByRole("button", { name: "Show the code" }).click();
  await page.getByText("Waiting for the other device").waitFor();
  await save("add-a-device");
  pod.mock?.world.newcomer({ name: "Noor's tablet", fingerprint: "7F3A91C2D05B48E6" });
  await page.getByText("Is this the device").waitFor();
  await save("add-a-device-question");
  await go("activity");
  await page.waitForTimeout(200);
  await save("activity");
}

mkdirSync(dir, { recursive: true });
const pod = await start_pod();
if (pod.mock) pod.mock.world.paper_confirmed = true;
const browser = await start_browser();
const windows = await two_windows(browser, pod);
writeFileSync(join(dir, "two-windows.png"), await sheet(browser, windows, "#dfe5df"));
const narrow = await open_note(browser, pod.urls[0], { viewport: { width: 320, height: 640 }, deviceScaleFactor: 2 });
await narrow.waitForTimeout(200);
writeFileSync(join(dir, "narrow.png"), await narrow.screenshot());
await places(browser, pod);
await browser.close();
await pod.close();
