import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packagePath } from "#core";

/** What each room may import. Arrows run one way (docs/architecture.md). */
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
  "src/units": [
    "core",
    "model",
    "onnx",
    "data",
    "tuning",
    "attacks",
    "defenses",
    "results",
  ],
  "src/conformance": [
    "core",
    "onnx",
    "engine",
    "model",
    "data",
    "texts",
    "tuning",
    "attacks",
    "defenses",
    "results",
    "units",
  ],
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
    "units",
  ],
  "src/cli": [
    "core",
    "engine",
    "model",
    "data",
    "defenses",
    "audit",
    "reports",
    "units",
    "view",
  ],
  "src/view": ["core", "texts", "results", "audit", "reports"],
  "src/library": [
    "core",
    "autodiff",
    "onnx",
    "engine",
    "model",
    "data",
    "tables",
    "tuning",
    "attacks",
    "defenses",
    "audit",
    "results",
    "reports",
    "units",
  ],
  bench: [
    "core",
    "onnx",
    "autodiff",
    "engine",
    "model",
    "data",
    "tuning",
    "attacks",
    "defenses",
    "audit",
    "reports",
    "results",
    "view",
  ],
  site: ["core", "audit"],
};

/**
 * The rooms and loose files of the audit, floor by floor from the ground up. Each
 * imports floors below its own only.
 */
const floors: readonly (readonly string[])[] = [
  ["results", "counting.ts", "store.ts", "words.ts"],
  ["statistics", "suite", "events.ts"],
  ["tasks", "workplace.ts", "works"],
  ["models", "scan", "queue"],
  ["plan"],
  ["trust"],
  ["attacking", "judging"],
  ["heads", "again", "certify", "gallery", "comparing"],
  ["trials", "gate", "recommending"],
  ["judged.ts", "catalog.ts", "schema.ts"],
  ["graph.ts", "calibration"],
  ["open-run.ts"],
  [
    "queued-run.ts",
    "queue-worker.ts",
    "worker.ts",
    "merge.ts",
    "forecast.ts",
    "early-end.ts",
    "kept.ts",
  ],
  ["run.ts", "serve-runs.ts"],
  ["index.ts"],
];

const doors: Record<string, { source: string }> = JSON.parse(
  readFileSync(packagePath("package.json"), "utf8"),
).imports;

const house = ["src", "attacks", "defenses", "reports", "bench", "site"];

const textsIn = (folders: readonly string[]) =>
  folders
    .flatMap((folder) =>
      readdirSync(packagePath(folder), {
        recursive: true,
        encoding: "utf8",
      }).map((name) => join(folder, name)),
    )
    .filter((file) => file.endsWith(".ts"))
    .map((file) => [file, readFileSync(packagePath(file), "utf8")] as const);

/** Every file of the house with what it imports, types included, as written. */
const files = new Map(
  textsIn(house).map(([file, text]) => {
    const found = text.matchAll(/\b(?:from|import)[\s(]*"([^"]+)"/g);
    return [file, { text, imports: Array.from(found, ([, from]) => from!) }];
  }),
);

const within = (room: string) =>
  [...files].filter(([file]) => file.startsWith(`${room}/`));

/** The files of the house that a file imports. */
const importsOf = (file: string): string[] =>
  (files.get(file)?.imports ?? [])
    .map((from) =>
      from.startsWith(".")
        ? join(file, "..", from)
        : join(doors[from]?.source ?? ""),
    )
    .filter((to) => files.has(to));

test.each(Object.entries(rooms))(
  "%s imports only the rooms below it, and by their doors",
  (room, allowed) => {
    const faults = within(room).flatMap(([file, { imports }]) =>
      imports
        .filter((from) =>
          from.startsWith("#")
            ? !allowed.includes(from.slice(1))
            : from.startsWith(".") &&
              !join(file, "..", from).startsWith(`${room}/`),
        )
        .map((from) => `${file} imports ${from}`),
    );
    expect(within(room)).not.toEqual([]);
    expect(faults).toEqual([]);
  },
);

test("no import inside the audit goes up, and its rooms are entered by their doors", () => {
  const roomOf = (file: string) => file.split("/")[2]!;
  const floorOf = (file: string) =>
    floors.findIndex((floor) => floor.includes(roomOf(file)));
  const isDoor = (file: string) =>
    /^src\/audit\/[^/]+(\/index)?\.ts$/.test(file);
  const faults = within("src/audit").flatMap(([file]) =>
    floorOf(file) < 0
      ? [`${file} stands on no floor`]
      : importsOf(file)
          .filter((to) => to.startsWith("src/audit/"))
          .filter((to) => roomOf(to) !== roomOf(file))
          .filter((to) => floorOf(to) >= floorOf(file) || !isDoor(to))
          .map((to) => `${file} imports ${to}`),
  );
  expect(faults).toEqual([]);
});

test("no file imports itself by way of others", () => {
  const circles: string[] = [];
  const done = new Set<string>();
  const follow = (file: string, path: readonly string[]) => {
    if (path.includes(file))
      circles.push([...path.slice(path.indexOf(file)), file].join(" > "));
    if (done.has(file) || path.includes(file)) return;
    for (const to of importsOf(file)) follow(to, [...path, file]);
    done.add(file);
  };
  for (const file of files.keys()) follow(file, []);
  expect(circles).toEqual([]);
});

test("the command that runs audits leaves loading models to the thread that does", () => {
  const loaded = new Set<string>();
  const follow = (file: string) => {
    const found = files
      .get(file)!
      .text.matchAll(/^(?:import|export) (?!type)[^;]*? from "([^"]+)"/gm);
    for (const [, from = ""] of found) {
      const to = from.startsWith(".") ? join(file, "..", from) : from;
      if (loaded.has(to)) continue;
      loaded.add(to);
      if (files.has(to)) follow(to);
    }
  };
  follow("src/cli/commands/run.ts");
  expect(loaded).toContain("src/cli/engine-options.ts");
  const rooms = [...loaded].filter((to) => to.startsWith("#"));
  expect(rooms.sort()).toEqual(["#core", "#reports"]);
});

test("only the command line prints", () => {
  const talking = [...files].filter(
    ([file, { text }]) =>
      !file.startsWith("src/cli/") &&
      !file.startsWith("bench/") &&
      // Examples in docstrings may.
      /^(?!\s*\*).*(\bconsole\.|process\.std(out|err))/m.test(text),
  );
  expect(talking.map(([file]) => file)).toEqual([]);
});

test("chance and the clock decide nothing", () => {
  const guilty = [...files].filter(([, { text }]) =>
    /Math\.random|Date\.now/.test(text),
  );
  expect(guilty.map(([file]) => file)).toEqual([]);
});

test("comments are wrapped at 88", () => {
  const isWide = (line: string) =>
    line.length > 88 &&
    /^\s*(\/\/|\/?\*)/.test(line) &&
    !line.includes("biome-ignore");
  const wide = textsIn([...house, "test"])
    .filter(([file]) => !file.includes("/generated/"))
    .flatMap(([file, text]) =>
      text
        .split("\n")
        .flatMap((line, i) => (isWide(line) ? [`${file}:${i + 1}`] : [])),
    );
  expect(wide).toEqual([]);
});
