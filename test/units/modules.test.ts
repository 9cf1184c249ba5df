import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Attack, attackOn, ballOf } from "#attacks";
import { loadSuite } from "#audit";
import { Random } from "#core";
import { defend, type Sanitizer } from "#defenses";
import { onnxruntime } from "#engine";
import { compile } from "#model";
import { loadModules, ownUnits, type Units, withModules } from "#units";
import { describe as described } from "../../src/audit/suite/described.ts";
import { findModule } from "../../src/units/module-files.ts";
import { put, temporaryFolder } from "../folder.ts";
import { draw, untrained } from "../reference.ts";
import { PLUGIN, projectIn } from "./world.ts";

const folder = temporaryFolder();
const project = projectIn(folder, "project");

let files = 0;
/** Writes a module of the project, and gives its name in a suite. */
function written(units: string, before = ""): string {
  const name = `./module${files++}.mjs`;
  put(
    project,
    name,
    `import { defineAttack, defineSanitizer, defineSchedule, floats, whiteBox, z } from "assay/units";
${before}
${attack}
${sanitizer}
export const units = ${units};
`,
  );
  return name;
}

const attack = `const attack = {
  id: "mine", title: "Mine", access: "label", family: "query", norms: ["linf"],
  reference: "-", taxonomy: whiteBox, params: z.strictObject({}),
  run: async ({ x }) => x,
};`;
const sanitizer = `const sanitizer = {
  id: "clean", title: "Clean", reference: "-", gradient: "exact",
  params: z.strictObject({}), build: (b, x) => b.mul(x, 1),
};`;

const loaded = async (...names: string[]): Promise<Units> =>
  withModules(ownUnits, await loadModules(names, project));

test("units of a module stand behind ours, and know their module", async () => {
  const name = written("[defineAttack(attack)]");
  const [module] = await loadModules([name], project);
  const units = withModules(ownUnits, [module!]);
  expect(units.attacks.slice(0, -1)).toEqual(ownUnits.attacks);
  const unit = units.attacks.at(-1)!;
  expect(unit).toMatchObject({ module: { name, hash: module?.hash } });
  expect(ownUnits.attacks.map(({ id }) => id)).not.toContain("mine");
  // So all that is kept of it is kept under the hash.
  expect(described({ unit, params: {} }).module).toBe(module?.hash);
});

test("a suite that is a module can use others, and messages know their names", async () => {
  const name = written("[defineAttack(attack)]");
  const suite = (attack: string) =>
    put(
      project,
      `suite-${attack}.mjs`,
      `export const suite = {
  version: 1, title: "mine", data: { source: "digits" }, use: ["${name}"],
  base: { pretrain: { architecture: "small-cnn" } },
  candidates: { full: { strategy: "full" } },
  threatModels: { small: { norm: "linf", eps: 0.1 } },
  attacks: { own: "${attack}" },
};`,
    );
  const loaded = await loadSuite(suite("mine"));
  expect(loaded.suite.attacks.own?.unit.id).toBe("mine");
  expect(loaded.modules.map((module) => module.name)).toEqual([name]);
  await expect(loadSuite(suite("mien"))).rejects.toThrow(/mien.*"mine"/);
  await expect(loadSuite(suite("mine"), { use: false })).rejects.toThrow(
    /is a module, whose code would run/,
  );
});

test("the hash of a module is that of its files, of those that it imports too", () => {
  const hashIn = (name: string, change: (home: string) => void) => {
    const own = projectIn(folder, name);
    change(join(own, "node_modules", PLUGIN));
    return findModule(PLUGIN, own);
  };
  const same = hashIn("same", () => {});
  expect(same.version).toBe("1.2.3");
  expect(hashIn("again", () => {}).hash).toBe(same.hash);
  for (const file of ["index.js", "corners.js"]) {
    const other = hashIn(`other ${file}`, (home) =>
      appendFileSync(join(home, file), "// another\n"),
    );
    expect(other.hash).not.toBe(same.hash);
  }
});

test("a module that has changed since it was loaded is refused", async () => {
  const name = written("[defineAttack(attack)]");
  await loaded(name);
  appendFileSync(join(project, name), "// another\n");
  await expect(loaded(name)).rejects.toThrow(/has changed since/);
});

test.each([
  ["./nowhere.mjs", /^use: \.\/nowhere\.mjs is no file/],
  ["assay-plugin-nowhere", /^use: assay-plugin-nowhere is not installed/],
  [`${PLUGIN}/inside`, /exports no "\.\/inside"/],
])("%s is missing", async (name, message) => {
  await expect(loaded(name)).rejects.toThrow(message);
});

const wrong: [string, string, RegExp][] = [
  [
    "throws",
    "(() => { throw new Error('no luck') })()",
    /cannot be loaded: no luck/,
  ],
  ["nothing", "[]", /exports no units/],
  ["a plain object", "[attack]", /units\[0\] is none of defineAttack/],
  [
    "another norm",
    "[defineAttack({ ...attack, norms: ['l7'] })]",
    /attack "mine": norms\.0: Invalid option/,
  ],
  [
    "no run",
    "[defineAttack({ ...attack, run: undefined })]",
    /attack "mine": run: expected a function/,
  ],
  [
    "parameters that take anything",
    "[defineAttack({ ...attack, params: z.object({}) })]",
    /attack "mine": params: expected z\.strictObject/,
  ],
  [
    "an id of ours",
    "[defineAttack({ ...attack, id: 'pgd' })]",
    /attack "pgd": Assay has one of that id/,
  ],
  [
    "an id twice",
    "[defineAttack(attack), defineAttack(attack)]",
    /attack "mine": is there twice/,
  ],
];
test.each(wrong)(
  "a module with %s is refused in one line",
  async (_, units, message) => {
    const name = written(units);
    const error: Error = await loaded(name).then(
      () => expect.fail("it was taken"),
      (thrown) => thrown,
    );
    expect(error.message).toMatch(message);
    expect(error.message).toContain(`use: ${name}`);
    expect(error.message).not.toContain("\n");
  },
);

test.each([
  ["({ x }) => floats([1, 2], [0, 0])", /examples of shape \[1, 2\], expected/],
  ["({ x }) => floats(x.dims, x.data.map(() => NaN))", /not finite/],
  ["({ x }) => floats(x.dims, x.data.map((v) => v + 2))", /outside the bounds/],
  [
    "({ x }) => floats(x.dims, x.data.map((v) => 1 - v))",
    /linf distance .* of 0\.1 allowed/,
  ],
  ["({ target, x }) => target.scores(x, [0, 1])", /its access is "label"/],
  ["() => { throw new Error('no luck') }", /no luck/],
])("an attack whose run is %s is named", async (run, message) => {
  const name = written(
    `[defineAttack({ ...attack, run: async (i) => (${run})(i) })]`,
  );
  const unit = (await loaded(name)).attacks.at(-1) as Attack;
  const model = await compile(untrained(), onnxruntime);
  const x = { ...draw(1, [2, 1, 8, 8]) };
  x.data.forEach((_, i) => {
    x.data[i] = (i % 5) / 4;
  });
  const { run: ran } = attackOn(
    model,
    { x, y: Int32Array.of(0, 1) },
    { unit, params: {} },
    { ball: ballOf("linf", 0.1, [0, 1]) },
    { random: new Random(1) },
  );
  await expect(ran()).rejects.toThrow(message);
  await expect(ran()).rejects.toThrow(`${name}: attack "mine": `);
  await model.release();
});

test.each([
  ["b.reshape(x, [-1, 64])", /shape \[.*64\], expected \[.*1, 8, 8\]/],
  ["'nothing'", /"nothing", which is no value of the graph/],
])("a sanitizer that builds %s is named", async (built, message) => {
  const name = written(
    `[defineSanitizer({ ...sanitizer, build: (b, x) => ${built} })]`,
  );
  const unit = (await loaded(name)).sanitizers.at(-1) as Sanitizer;
  const defended = () => defend(untrained(), [{ unit, params: {} }]);
  expect(defended).toThrow(message);
  expect(defended).toThrow(`${name}: sanitizer "clean": `);
});

test("what a unit gives answers for itself: a schedule that goes below 0 is named", async () => {
  const name = written(
    `[defineSchedule({ id: "down", title: "Down", reference: "-", params: z.strictObject({}), course: () => ({ factor: (step) => 1 - step }) })]`,
  );
  const unit = (await loaded(name)).schedules.at(-1)!;
  const { factor } = unit.course({}, 10, 5);
  expect(factor(1)).toBe(0);
  expect(() => factor(2)).toThrow(
    `${name}: schedule "down": gave -1 at step 2 of 10`,
  );
});
