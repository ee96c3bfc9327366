import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The console lies below /console/. Names of files have a digest, so that browsers may keep them for ever.
export default defineConfig({
  base: "/console/",
  plugins: [svelte()],
  resolve: { conditions: process.env.VITEST ? ["browser"] : undefined },
  build: {
    outDir: ".made/console",
    emptyOutDir: true,
    assetsDir: "assets",
    // No content in addresses (data:): the policy of pages lets no font or script come that way.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    // A slow machine is no warning.
    rolldownOptions: { checks: { pluginTimings: false } },
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
  test: { include: ["app/**/*.test.ts"] },
});
