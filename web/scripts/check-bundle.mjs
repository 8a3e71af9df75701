// The queue page must stay small: everything that dist/index.html loads, counted compressed.
// GraphiQL is another page and does not count, but nothing of it may reach this one.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KB = { js: 110, css: 12 };
const dist = new URL("../dist/", import.meta.url);

function read(path) {
  return readFileSync(new URL(`.${path}`, dist), "utf8");
}

function importsOf(path) {
  const found = read(path).matchAll(
    /(?:\bimport|\bfrom)\s*["'`](\.\/[^"'`]+)["'`]|\bimport\(\s*["'`](\.\/[^"'`]+)["'`]/g,
  );
  return [...found].map((match) => new URL(match[1] ?? match[2], `file://${path}`).pathname);
}

function withImports(path, seen = new Set()) {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const imported of importsOf(path)) withImports(imported, seen);
  return seen;
}

const page = read("/index.html");
const linked = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+\.(?:js|css))"/g)].map((match) => match[1]);
const scripts = new Set(linked.filter((path) => path.endsWith(".js")).flatMap((path) => [...withImports(path)]));
const styles = new Set(linked.filter((path) => path.endsWith(".css")));

for (const [kind, paths] of Object.entries({ js: scripts, css: styles })) {
  const bytes = [...paths].reduce((sum, path) => sum + gzipSync(read(path)).length, 0);
  const size = (bytes / 1000).toFixed(1);
  console.log(`${kind}: ${size} kB compressed in ${paths.size} files (limit ${LIMIT_KB[kind]} kB)`);
  if (paths.size === 0 || bytes > LIMIT_KB[kind] * 1000) {
    console.error(`The queue page's ${kind} is over its limit, or was not found in web/dist.`);
    process.exitCode = 1;
  }
}
if (/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/.test(page)) {
  console.error("dist/index.html holds an inline script or style, which its content security policy refuses.");
  process.exitCode = 1;
}
