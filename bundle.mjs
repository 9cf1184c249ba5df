import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import Handlebars from "handlebars";
import { build } from "rolldown";

// A thousand small modules take most of a second to find and open, in every command and
// every worker. What the compiler wrote is put together in place, in a few files.

/**
 * What is started or imported by name: the commands, the package's doors, and the
 * processes and threads that they begin. Errors are known by their class, so the core
 * is a door as well: what bench/ imports as compiled has the same one.
 */
const doors = [
  "cli/main",
  "cli/program",
  "cli/worker",
  "cli/first-run-child",
  "cli/watch",
  "audit/worker",
  "audit/queue-worker",
  "audit/calibration/thread",
  "audit/works/child-main",
  "core/index",
  "index",
  "units",
  "conformance/index",
  "matchers",
];

await build({
  input: Object.fromEntries(
    doors.map((door) => [`src/${door}`, `dist/src/${door}.js`]),
  ),
  platform: "node",
  // No module does anything by being loaded, but for the doors.
  treeshake: { moduleSideEffects: false },
  // Packages stay as they are installed.
  external: /^[^.#/]/,
  output: {
    dir: "dist",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
  },
});

// To translate the templates of the report takes longer than all else of a small one.
// They are found by their text, so that one that was changed meanwhile is not used.
const folder = "reports/html/templates";
const translated = readdirSync(folder)
  .filter((file) => file.endsWith(".hbs"))
  .map((file) => readFileSync(`${folder}/${file}`, "utf8"))
  .map((text) => [
    JSON.stringify(createHash("sha256").update(text).digest("hex")),
    Handlebars.precompile(text, { strict: true }),
  ]);
writeFileSync(
  "dist/reports/html/templates.cjs",
  `module.exports = new Map([${translated.map((pair) => `[${pair}]`)}]);\n`,
);
