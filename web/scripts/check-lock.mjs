// The lock file must name every platform's optional package (npm drops the ones it cannot find, and `npm ci`
// then fails elsewhere) and no download host.
import { readFileSync } from "node:fs";

const text = readFileSync(new URL("../package-lock.json", import.meta.url), "utf8");
const { packages } = JSON.parse(text);
const folders = Object.keys(packages);
const missing = Object.values(packages)
  .flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
  .filter((name) => !folders.some((folder) => folder.endsWith(`node_modules/${name}`)));

if (missing.length > 0) {
  console.error(
    `web/package-lock.json lacks these optional packages: ${missing.join(", ")}. Make it again from scratch.`,
  );
  process.exitCode = 1;
}
if (text.includes('"resolved"')) {
  console.error("web/package-lock.json names a download host. Set omit-lockfile-registry-resolved and make it again.");
  process.exitCode = 1;
}
