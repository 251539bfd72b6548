// Fails the build when the page outgrows its budget: everything the browser loads, gzipped, and what it needs to paint.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const total_max = 160_000;
const first_max = 50_000;

/** @param {string} dir @returns {string[]} */
const files = (dir) =>
  readdirSync(dir).flatMap((f) => (statSync(join(dir, f)).isDirectory() ? files(join(dir, f)) : [join(dir, f)]));

const html = readFileSync("dist/index.html", "utf8");
let total = 0;
let first = 0;
for (const file of files("dist")) {
  const size = gzipSync(readFileSync(file)).length;
  total += size;
  if (file.endsWith("index.html") || html.includes(file.slice("dist/".length))) first += size;
}
console.log(
  `dashboard: ${total} bytes gzipped (at most ${total_max}), ${first} of them to paint (at most ${first_max})`,
);
if (total > total_max || first > first_max) {
  console.error("dashboard: over its budget");
  process.exit(1);
}
if (/https?:\/\/(?!www\.w3\.org)/.test(html)) {
  console.error("dashboard: index.html names another host");
  process.exit(1);
}
