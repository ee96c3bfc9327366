import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// No server renders the console, so Svelte's code that takes over such pages is left out of what browsers load.
const BEGINS = "export let hydrating = false;";
const SETTER = "\thydrating = value;\n";
const withoutHydration = {
  name: "without-hydration",
  transform: {
    filter: { id: /svelte\/src\/internal\/client\/dom\/hydration\.js$/ },
    handler(code) {
      if (!code.includes(BEGINS) || !code.includes(SETTER)) throw new Error("Svelte's hydration.js is another one: see withoutHydration in vite.config.js");
      return code.replace(BEGINS, "export const hydrating = false;").replace(SETTER, "");
    },
  },
};

// Files that are loaded together: one that is compressed as a whole is smaller, and asked for once.
const FRAME = /node_modules\/(svelte|clsx|esm-env)\/|app\/(api|problem|session\.svelte|router\.svelte|pages|navigation)\.ts|app\/phrases\/(phrases\.svelte|en\/shell)\.ts|app\/components\/(Icon|Menu|Shell|Toasts|toasts\.svelte|theme\.svelte)\.|vite\/preload-helper/;
const LIST = /app\/components\/(Table|rows\.svelte)\./;
const RESOURCE = /app\/pages\/resource\/(ResourceList|Value|spec)\./;
const VALUE = /app\/components\/(Time|Money|Status)\./;
const FORM = /app\/components\/(Dialog|Form|form|Field|Confirm|Lookup|values)\./;

// The console lies below /console/. Names of files have a digest, so that browsers may keep them for ever.
export default defineConfig({
  base: "/console/",
  plugins: [svelte(), withoutHydration],
  resolve: { conditions: process.env.VITEST ? ["browser"] : undefined },
  build: {
    outDir: ".made/console",
    emptyOutDir: true,
    assetsDir: "assets",
    // Which files a page loads, for the test of their sizes.
    manifest: true,
    // No content in addresses (data:): the policy of pages lets no font or script come that way.
    assetsInlineLimit: 0,
    // With a page its styles are fetched ahead; its scripts name what they need themselves. Naming that in the frame too, for each
    // page, would cost every page 1.3 kB.
    modulePreload: { polyfill: false, resolveDependencies: (_name, files) => files.filter((one) => one.endsWith(".css")) },
    target: "es2022",
    rolldownOptions: {
      // A slow machine is no warning.
      checks: { pluginTimings: false },
      // Nothing here is a custom element; that file of Svelte would stay for what it does when it is loaded.
      treeshake: { moduleSideEffects: [{ test: /svelte\/src\/internal\/client\/dom\/elements\/custom-element\.js$/, sideEffects: false }] },
      output: {
        codeSplitting: {
          groups: [
            { name: "frame", test: FRAME },
            { name: "value", test: VALUE },
            { name: "list", test: LIST },
            { name: "resource", test: RESOURCE },
            { name: "form", test: FORM },
          ],
        },
      },
    },
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
  test: { include: ["app/**/*.test.ts"] },
});
