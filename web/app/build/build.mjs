// Builds the pages and writes them as one C++ source: node build.mjs --work DIR --out DIR.
//
// What was built is kept in the work folder under a hash of everything it was built from, so that no
// second build folder, and no build in which nothing changed, runs npm or Vite again.

import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";

const app = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const root = path.dirname(path.dirname(app));
const firstLoadMax = 300_000; // bytes, compressed

function argument(name) {
  const at = process.argv.indexOf(name);
  if (at < 0) throw new Error(`${name} is missing`);
  return path.resolve(process.argv[at + 1]);
}

function filesBelow(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const full = path.join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(full) : [full];
    });
}

// Everything that the built files depend on.
function inputs() {
  const own = ["index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"]
    .map((name) => path.join(app, name));
  const sources = filesBelow(path.join(app, "src")).filter((name) => !name.endsWith(".test.ts"));
  return [...own, ...sources, fileURLToPath(import.meta.url),
    path.join(root, "spec/azure-devops/operations.jsonl")];
}

function hashOf(files) {
  const hash = createHash("sha256");
  for (const file of files) {
    hash.update(path.relative(root, file)).update("\0").update(fs.readFileSync(file)).update("\0");
  }
  return hash.digest("hex").slice(0, 24);
}

function run(command, args, environment = {}) {
  const result = spawnSync(command, args,
    { cwd: app, stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, ...environment } });
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")} failed`);
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

// One build at a time in the work folder, also from several build folders.
async function locked(folder, work) {
  const lock = path.join(folder, "lock");
  for (;;) {
    try {
      fs.writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      let owner = NaN;
      try { owner = Number(fs.readFileSync(lock, "utf8")); } catch { continue; }
      if (owner > 0 && !isRunning(owner)) fs.rmSync(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
  try {
    work();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

function install() {
  const lock = path.join(app, "package-lock.json");
  const stamp = path.join(app, "node_modules", ".latchkey");
  const wanted = hashOf([lock]);
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === wanted) return;
  console.error("Installing from npm: web/app");
  run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]);
  fs.writeFileSync(stamp, wanted);
}

function build(dist) {
  if (fs.existsSync(dist)) return;
  install();
  const fresh = `${dist}.${process.pid}`;
  run(process.execPath, [path.join(app, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "warn"],
    { LATCHKEY_WEB_OUT: fresh });
  fs.renameSync(fresh, dist);
}

const types = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json",
  ".woff2": "font/woff2", ".png": "image/png",
};

// The bytes over the wire until the page can run: the HTML and the scripts that it and they name.
function firstLoad(files) {
  const byName = new Map(files.map((file) => [file.name, file]));
  const seen = new Set();
  const open = ["index.html"];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name) || !byName.has(name)) continue;
    seen.add(name);
    const text = byName.get(name).bytes.toString("utf8");
    const named = name === "index.html" ? /\/_latchkey\/static\/([\w.-]+)/g :
      /(?:^|[;}\s])(?:import|export)[^"'()]*?["']\.\/([\w.-]+)["']/g;
    for (const match of text.matchAll(named)) open.push(match[1]);
  }
  return [...seen].reduce((sum, name) => sum + byName.get(name).gzip.length, 0);
}

function readFiles(dist) {
  return filesBelow(dist).map((full) => {
    const bytes = fs.readFileSync(full);
    const type = types[path.extname(full)];
    if (type === undefined) throw new Error(`No content type is known for ${full}`);
    return { name: path.basename(full), type, bytes, gzip: gzipSync(bytes, { level: 9 }) };
  });
}

// The assembler reads the files, so that their size costs no compile time.
function writeSource(files, out) {
  const folder = path.join(out, "files");
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const blobs = [];
  const rows = files.map((file, at) => {
    for (const [suffix, bytes] of [["", file.bytes], [".gz", file.gzip]]) {
      const full = path.join(folder, file.name + suffix);
      fs.writeFileSync(full, bytes);
      const symbol = `latchkey_web_${at}${suffix === "" ? "" : "_gz"}`;
      blobs.push(`asm(".pushsection .rodata\\n.globl ${symbol}\\n.globl ${symbol}_end\\n${symbol}:\\n"\n` +
        `    ".incbin \\"${full}\\"\\n${symbol}_end:\\n.byte 0\\n.popsection\\n");\n` +
        `extern "C" const char ${symbol}[];\nextern "C" const char ${symbol}_end[];\n`);
    }
    return `    {"${file.name}", "${file.type}", view(latchkey_web_${at}, latchkey_web_${at}_end),\n` +
      `     view(latchkey_web_${at}_gz, latchkey_web_${at}_gz_end)},\n`;
  });
  const digest = createHash("sha256");
  for (const file of files) digest.update(file.bytes);
  fs.writeFileSync(path.join(out, "web_files.cc"),
    `// Written by web/app/build/build.mjs. Content: ${digest.digest("hex")}\n` +
    `#include "api/web_files.h"\n\n${blobs.join("")}\nnamespace latchkey::api {\nnamespace {\n` +
    `std::string_view view(const char* begin, const char* end) { return {begin, end}; }\n` +
    `const WebFile kFiles[] = {\n${rows.join("")}};\n}  // namespace\n\n` +
    `std::span<const WebFile> web_files() { return kFiles; }\n\n}  // namespace latchkey::api\n`);
}

const work = argument("--work");
const out = argument("--out");
fs.mkdirSync(work, { recursive: true });
fs.mkdirSync(out, { recursive: true });
const dist = path.join(work, hashOf(inputs()));
await locked(work, () => build(dist));
const files = readFiles(dist);
const first = firstLoad(files);
const all = files.reduce((sum, file) => sum + file.gzip.length, 0);
const kilo = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.error(`pages: first load ${kilo(first)} compressed, ${kilo(all)} in all, ${files.length} files`);
if (first > firstLoadMax) throw new Error(`The first load is above ${kilo(firstLoadMax)}.`);
writeSource(files, out);
