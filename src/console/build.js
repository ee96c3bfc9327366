// Puts what browsers get into ../ringflow/web/static: the console, which Vite has built, and the page to read and try the API.
// A file's name has a digest of its content, so browsers may keep it for ever.
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const made = join(here, "..", "ringflow", "web", "static");
const swagger = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

async function buildApiPage(folder) {
  const sources = {
    "{swagger-css}": join(swagger, "swagger-ui.css"),
    "{swagger-js}": join(swagger, "swagger-ui-bundle.js"),
    "{page-css}": join(here, "api-page", "page.css"),
    "{page-js}": join(here, "api-page", "page.js"),
  };
  let page = await readFile(join(here, "api-page", "index.html"), "utf8");
  for (const [place, source] of Object.entries(sources)) {
    let content = await readFile(source);
    // Its source map is not shipped.
    content = Buffer.from(content.toString("utf8").replace(/\n\/[/*]# sourceMappingURL=.*$/m, ""));
    const digest = createHash("sha256").update(content).digest("hex").slice(0, 12);
    const name = `${basename(source, extname(source))}-${digest}${extname(source)}`;
    await writeFile(join(folder, name), content);
    page = page.replaceAll(place, name);
  }
  await writeFile(join(folder, "index.html"), page);
  for (const name of ["LICENSE", "NOTICE"]) await cp(join(swagger, name), join(folder, name));
}

// A folder is there whole or not at all: a server may read it meanwhile.
async function put(name, build) {
  const part = join(made, `.${name}.part`);
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  await build(part);
  await rm(join(made, name), { recursive: true, force: true });
  await rename(part, join(made, name));
}

// The licences of what is bundled ask for their texts to come along.
async function writeLicences(folder) {
  const { packages } = JSON.parse(await readFile(join(here, "package-lock.json"), "utf8"));
  const texts = [];
  for (const [path, { version, license, dev }] of Object.entries(packages)) {
    if (!path || dev) continue;
    const files = (await readdir(join(here, path)).catch(() => [])).filter((name) => /^(licen[cs]e|notice|copying)/i.test(name));
    const all = await Promise.all(files.map((name) => readFile(join(here, path, name), "utf8")));
    texts.push(`${path.split("node_modules/").at(-1)} ${version}: ${license}\n\n${all.join("\n\n")}`);
  }
  await writeFile(join(folder, "THIRD-PARTY-LICENSES"), texts.join(`\n${"-".repeat(80)}\n`));
}

await put("api", buildApiPage);
await put("console", async (folder) => {
  // Without what Vite notes for the test of sizes.
  await cp(join(here, ".made", "console"), folder, { recursive: true, filter: (source) => basename(source) !== ".vite" });
  await writeLicences(folder);
});
