import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import type { Results } from "#audit";
import { put, temporaryFolder } from "../folder.ts";
import { PLUGIN, projectIn } from "../units/world.ts";
import { assay, type Outcome } from "./assay.ts";

const project = projectIn(temporaryFolder(), "project");

const suite = (use: string, attack: string) => `
version: 1
title: From outside
use: [${use}]
data: { source: digits }
classes: ["0", "1", "2"]
samples: 12
base: { pretrain: { architecture: small-cnn, epochs: 1 }, classes: ["5", "6", "7"] }
candidates: { full: { strategy: full, epochs: 2 } }
defenses: { faded: [{ id: fade, keep: 0.9 }] }
threatModels: { small: { norm: linf, eps: 0.2 } }
attacks: { own: ${attack}, noise: noise }
`;

const read = (out: string): Results =>
  JSON.parse(readFileSync(join(project, out, "results.json"), "utf8"));

/** All of a document but for times. */
const timeless = ({ timing, ...results }: Results) =>
  JSON.stringify(results, (key, value) =>
    key === "seconds" ? undefined : value,
  );

let ran: Outcome;

beforeAll(async () => {
  put(project, "suite.yaml", suite(PLUGIN, "{ id: corners, draws: 5 }"));
  ran = await assay(
    project,
    ...["run", "suite.yaml", "--out", "two", "--workers", "2", "--quiet"],
    ...["--reporter", "verdict", "--reporter", "verdict:-"],
  );
});

test("a package outside the repository brings an attack, a sanitizer and a reporter", () => {
  expect(ran).toMatchObject({ code: 0, err: "", out: "none of 5 cells\n" });
  expect(readFileSync(join(project, "two", "verdict.txt"), "utf8")).toBe(
    ran.out,
  );
  const { cells, attacks, defenses, provenance } = read("two");
  expect(cells.map(({ id }) => id)).toContain("full/faded/own@small");
  expect(attacks[0]).toMatchObject({ title: "Random corners" });
  expect(defenses[1]?.parts[0]).toMatchObject({ id: "fade" });
  expect(provenance.modules).toEqual([
    {
      name: PLUGIN,
      version: "1.2.3",
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      units: [
        { kind: "attack", id: "corners" },
        { kind: "sanitizer", id: "fade" },
        { kind: "reporter", id: "verdict" },
      ],
    },
  ]);
  for (const file of ["report.html", "summary.md"])
    expect(readFileSync(join(project, "two", file), "utf8")).toMatch(
      /corners.*sanitizer fade/,
    );
});

test("its units keep the laws that ours keep", async () => {
  put(
    project,
    "laws.mjs",
    `import { readFileSync } from "node:fs";
import { lawsOf, reporterLaws } from "assay/conformance";
import { units } from "${PLUGIN}";
const results = [JSON.parse(readFileSync("two/results.json", "utf8"))];
const laws = units.flatMap((unit) =>
  unit.render ? reporterLaws(unit, results) : lawsOf(unit, { params: unit.id === "fade" ? { keep: 0.9 } : {} }),
);
for (const { title, check } of laws) await check().then(
  () => console.log("kept: " + title),
  (error) => console.log("broken: " + title + ": " + error.message),
);`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, ["laws.mjs"], {
    cwd: project,
  });
  const said = stdout.trim().split("\n");
  expect(said.filter((line) => !line.startsWith("kept: "))).toEqual([]);
  // Six of attacks, six of sanitizers, two of reporters.
  expect(said).toHaveLength(14);
});

test("one worker gives the same bytes", async () => {
  const { code } = await assay(
    project,
    ...["run", "suite.yaml", "--out", "one", "--workers", "1", "--quiet"],
  );
  expect(code).toBe(0);
  expect(timeless(read("one"))).toBe(timeless(read("two")));
});

test("list shows them, and a near miss is told", async () => {
  const { out } = await assay(project, "list", "attacks", "--use", PLUGIN);
  expect(out).toMatch(new RegExp(`^corners .* ${PLUGIN}$`, "m"));
  put(project, "typo.yaml", suite(PLUGIN, "cornres"));
  const { code, err } = await assay(project, "plan", "typo.yaml");
  expect(code).toBe(2);
  expect(err).toMatch(/typo\.yaml:12:.*cornres.*corners/);
});

test("explain tells of them", async () => {
  const { out } = await assay(project, "explain", "fade", "--use", PLUGIN);
  expect(out).toContain("Fading");
});

test("a module in TypeScript is read where Node does, and refused in a line elsewhere", async () => {
  put(
    project,
    "typed.ts",
    `import { defineSchedule, z } from "assay/units";
const down: number = 0.5;
export const units = [defineSchedule({
  id: "half", title: "Half", reference: "-", params: z.strictObject({}),
  course: () => ({ factor: () => down }),
})];`,
  );
  const { code, out, err } = await assay(
    project,
    ...["list", "schedules", "--use", "./typed.ts"],
  );
  if ("typescript" in process.features && process.features.typescript)
    expect(out).toMatch(/^half .*typed\.ts$/m);
  else expect([code, err]).toEqual([2, expect.stringMatching(/TypeScript/)]);
});

test("--no-use refuses a suite that runs code", async () => {
  put(project, "suite.mjs", "export const suite = {};");
  for (const name of ["suite.yaml", "suite.mjs"]) {
    const { code, err } = await assay(project, "plan", name, "--no-use");
    expect(code).toBe(2);
    expect(err).toMatch(/whose code would run/);
  }
});

test.each([
  ["missing", undefined, "use: ./missing.mjs is no file"],
  [
    "throwing",
    'throw new Error("no luck\\nand more");',
    "use: ./throwing.mjs cannot be loaded: no luck and more",
  ],
  ["null", "throw null;", "use: ./null.mjs cannot be loaded: null"],
  [
    "malformed",
    'export const units = [{ id: "plain" }];',
    "use: ./malformed.mjs: units[0] is none of defineAttack",
  ],
])(
  "a module that is %s is refused in one line, before anything of the run is lost",
  async (name, code, message) => {
    if (code) put(project, `${name}.mjs`, code);
    put(project, `${name}.yaml`, suite(`${PLUGIN}, ./${name}.mjs`, "corners"));
    const before = read("two");
    const ended = await assay(
      project,
      ...["run", `${name}.yaml`, "--out", "two", "--workers", "2", "--quiet"],
    );
    expect(ended).toMatchObject({ code: 2, out: "" });
    // One line of what is wrong, and one of what to do.
    const [line, hint, ...more] = ended.err.trimEnd().split("\n");
    expect(line).toContain(`error: ${message}`);
    expect(hint).toMatch(/^ {2}\S/);
    expect(more).toEqual([]);
    expect(read("two")).toEqual(before);
  },
);

test("shards with units from outside come to what one run does", async () => {
  for (const i of [1, 2]) {
    const { code } = await assay(
      project,
      ...["run", "suite.yaml", "--out", `shard-${i}`, "--shard", `${i}/2`],
    );
    expect(code).toBe(0);
  }
  const { code } = await assay(
    project,
    ...["merge", "shard-1", "shard-2", "--out", "merged", "--quiet"],
  );
  expect(code).toBe(0);
  expect(timeless(read("merged"))).toBe(timeless(read("two")));
});

test("an attack that lies about its shape fails alone, in one line with its name", async () => {
  put(
    project,
    "liar.mjs",
    `import { defineAttack, floats, whiteBox, z } from "assay/units";
export const units = [defineAttack({
  id: "liar", title: "Liar", access: "none", family: "query", norms: ["linf"],
  reference: "-", taxonomy: whiteBox, params: z.strictObject({}),
  run: async () => floats([1], [0]),
})];`,
  );
  put(project, "liar.yaml", suite(`${PLUGIN}, ./liar.mjs`, "liar"));
  const { code, out } = await assay(
    project,
    ...["run", "liar.yaml", "--out", "two", "--workers", "2", "--quiet"],
  );
  expect(code).toBe(1);
  const said =
    './liar.mjs: attack "liar": returned examples of shape [1], expected [12, 1, 8, 8]';
  expect(out).toContain(said);
  const { cells, failures } = read("two");
  expect(cells.map(({ attack }) => attack)).toContain("noise");
  expect(failures?.every(({ message }) => message === said)).toBe(true);
});
