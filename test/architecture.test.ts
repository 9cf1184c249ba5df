import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { packagePath } from "#core";

/** What each room may import; arrows run one way (docs/architecture.md). */
const rooms: Record<string, readonly string[]> = {
  "src/core": [],
  "src/onnx": ["core"],
  "src/autodiff": ["core", "onnx"],
  "src/engine": ["core", "onnx"],
  "src/model": ["core", "onnx", "autodiff", "engine"],
  "src/tables": ["core"],
  "src/texts": ["core"],
  "src/data": ["core", "onnx", "tables", "texts"],
  "src/tuning": ["core", "onnx", "autodiff", "engine", "model", "data"],
  attacks: [
    "core",
    "onnx",
    "engine",
    "model",
    "data",
    "tables",
    "texts",
    "tuning",
  ],
  defenses: [
    "core",
    "onnx",
    "engine",
    "model",
    "data",
    "tables",
    "texts",
    "tuning",
    "attacks",
  ],
  reports: ["core", "results"],
  "src/audit": [
    "core",
    "onnx",
    "engine",
    "model",
    "data",
    "tables",
    "texts",
    "tuning",
    "attacks",
    "defenses",
    "results",
  ],
  "src/cli": ["core", "engine", "model", "defenses", "audit", "reports"],
};

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory()
      ? filesBelow(path)
      : entry.name.endsWith(".ts")
        ? [path]
        : [];
  });
}

test.each(Object.entries(rooms))(
  "%s imports only the rooms below it, and by their doors",
  (room, allowed) => {
    const faults: string[] = [];
    for (const file of filesBelow(packagePath(room))) {
      for (const [, from = ""] of readFileSync(file, "utf8").matchAll(
        /(?:from|import\()\s*"([^"]+)"/g,
      )) {
        const name = relative(packagePath(), file);
        if (from.startsWith("#") && !allowed.includes(from.slice(1)))
          faults.push(`${name} imports ${from}`);
        if (
          from.startsWith(".") &&
          !join(file, "..", from).startsWith(packagePath(room))
        )
          faults.push(`${name} reaches into ${from}`);
      }
    }
    expect(faults).toEqual([]);
  },
);

test("only the command line prints", () => {
  const talking = [
    "src/core",
    "src/onnx",
    "src/autodiff",
    "src/engine",
    "src/model",
    "src/data",
    "src/tuning",
    "src/audit",
    "attacks",
    "defenses",
    "reports",
  ].flatMap((room) =>
    filesBelow(packagePath(room)).filter((file) =>
      /\bconsole\.|process\.std(out|err)/.test(readFileSync(file, "utf8")),
    ),
  );
  expect(talking).toEqual([]);
});

test("chance and the clock decide nothing", () => {
  const files = Object.keys(rooms).flatMap((room) =>
    filesBelow(packagePath(room)),
  );
  const guilty = files.filter((file) =>
    /Math\.random|Date\.now/.test(readFileSync(file, "utf8")),
  );
  expect(guilty).toEqual([]);
});
