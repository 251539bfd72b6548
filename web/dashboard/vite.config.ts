import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte()],
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  server: { host: "127.0.0.1", proxy: { "/api": { target: "http://127.0.0.1:4848", ws: true } } },
  // Random interleavings take as long as the machine lets them.
  test: { include: ["src/**/*_test.ts"], environment: "node", testTimeout: 120_000 },
});
