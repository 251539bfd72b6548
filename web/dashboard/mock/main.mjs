// @ts-check
/** `npm run mock [-- --empty --alone]`: the mock pod on ports 4848 and 4849; a newcomer answers after 6 s. */
import { start_mock } from "./server.mjs";

const flag = (/** @type {string} */ name) => process.argv.includes(name);
const mock = await start_mock({
  ports: flag("--alone") ? [4848] : [4848, 4849],
  empty: flag("--empty"),
  alone: flag("--alone"),
});
console.log(mock.urls.join("\n"));
let waiting = false;
setInterval(() => {
  if (mock.world.pairing.state === "waiting" && !waiting) {
    waiting = true;
    setTimeout(() => {
      waiting = false;
      if (mock.world.pairing.state === "waiting")
        mock.world.newcomer({ name: "tablet", fingerprint: "7F3A91C2D05B48E6" });
    }, 6000);
  }
}, 500);
process.on("SIGINT", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));
