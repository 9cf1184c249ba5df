import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { runAudit } from "#audit";
import { decodeNpy } from "#data";
import type { FloatTensor } from "#onnx";
import { defineAttack } from "../../attacks/attack.ts";
import {
  type AttackResult,
  attack,
  autoattack,
  dataset,
  floats,
  InterruptedError,
  loadData,
  loadModel,
  open,
  saveModel,
  selectClasses,
  splitData,
} from "../../src/index.ts";
import { put, temporaryFolder } from "../folder.ts";
import { linearModel, reference } from "../reference.ts";

const folder = temporaryFolder();

/** A suite whose ids are those that the library has for its own. */
const suite = put(
  folder,
  "suite.yaml",
  `
version: 1
title: the same by a suite
seed: 7
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
split: { train: 0.88, validation: 0.1, test: 0.02 }
candidates:
  model: { model: model.onnx }
threatModels:
  linf-0.05: { norm: linf, eps: 0.05 }
  linf-0.1: { norm: linf, eps: 0.1 }
  l2-1: { norm: l2, eps: 1, queries: 60 }
attacks:
  pgd: { id: pgd, steps: 5, relStepSize: 0.3 }
  square: square
  autoattack: autoattack
`,
);

async function subjects() {
  const path = join(folder, "model.onnx");
  saveModel(path, await reference());
  const digits = selectClasses(await loadData({ source: "digits" }), [
    ..."01234",
  ]);
  const shares = { train: 0.88, validation: 0.1, test: 0.02 };
  const { test } = splitData(digits, shares, 7);
  return { model: await loadModel(path), data: test };
}

async function bySuite(id: string) {
  const out = join(folder, id.replace(/\W/g, "-"));
  const { cells } = await runAudit({ suite, out, only: [id] });
  const [file = ""] = readdirSync(join(out, "examples")).filter((name) =>
    name.endsWith(".npy"),
  );
  const examples = decodeNpy(readFileSync(join(out, "examples", file)), file);
  return { cell: cells[0]!, examples };
}

test.each([
  ["pgd", { id: "pgd", steps: 5, relStepSize: 0.3 }, "linf", 0.1, undefined],
  ["square", "square", "l2", 1, 60],
] as const)(
  "%s is byte for byte that of a suite's cell",
  async (name, chosen, norm, eps, queries) => {
    const { model, data } = await subjects();
    const { cell, examples } = await bySuite(
      `model/none/${name}@${norm}-${eps}`,
    );
    const found = await attack(model, data, {
      attack: chosen,
      norm,
      eps,
      queries,
      seed: 7,
    });
    expect((found.examples as FloatTensor).data).toEqual(examples.data);
    expect(found.queries).toEqual(cell.queries);
    expect(found.cleanAccuracy).toEqual(cell.cleanAccuracy);
    expect(found.robustAccuracy).toEqual(cell.robustAccuracy);
    const letters = { robust: "1", broken: "0", wrong: "-", absent: "." };
    expect(found.outcomes.map((fate) => letters[fate]).join("")).toBe(
      cell.outcomes,
    );
    expect(found.robustAccuracy.value).toBeLessThan(found.cleanAccuracy.value);
  },
);

test("AutoAttack has the number and the checks of a suite's cell", async () => {
  const { model, data } = await subjects();
  const { cell } = await bySuite("model/none/autoattack@linf-0.05");
  const found = await autoattack(model, data, {
    norm: "linf",
    eps: 0.05,
    seed: 7,
  });
  expect(found.robustAccuracy).toEqual(cell.robustAccuracy);
  expect(found.trusted).toBe(cell.trusted);
  expect(found.checks).toEqual(cell.checks);
  expect(found.checks.length).toBeGreaterThan(10);
});

const linear = linearModel(
  [
    [2, 0],
    [0, 2],
  ],
  [0, 0],
);
const x = floats([3, 2], [0.6, 0.5, 0.1, 0.9, 0.9, 0.2]);
/** The last is wrong without an attack. */
const y = [0, 1, 1];

test("what is wrong already is left as it is, and the rest is broken by enough", async () => {
  const opened = await open(linear);
  const [small, large] = (await attack(
    opened,
    { x, y },
    { attack: "pgd", norm: "linf", eps: [0.1, 0.45] },
  )) as [AttackResult, AttackResult];
  expect(small.outcomes).toEqual(["broken", "robust", "wrong"]);
  expect(large.outcomes).toEqual(["broken", "broken", "wrong"]);
  expect(large.broken).toEqual([true, true, false]);
  const examples = large.examples as FloatTensor;
  expect(examples.data.subarray(4)).toEqual(x.data.subarray(4));
  expect(large.distances[2]).toBe(0);
  expect(Math.max(...large.distances)).toBeLessThanOrEqual(0.45 + 1e-6);
  expect(large.cleanAccuracy).toMatchObject({ value: 2 / 3, n: 3 });
  expect(large.robustAccuracy.value).toBe(0);
  // It was open before, and so it stays.
  expect((await opened.predict(x)).length).toBe(3);
  await opened.release();
});

/** Moves every number up by eps. */
const brighter = defineAttack({
  id: "brighter",
  title: "Brighter",
  access: "label",
  family: "query",
  norms: ["linf"],
  reference: "none",
  taxonomy: { atlas: [], owasp: [], nist: [] },
  params: z.strictObject({ share: z.number().min(0).max(1).default(1) }),
  async run({ target, x, ball, params }) {
    const moved = x.data.map((v) => v + params.share * ball.eps);
    const examples = ball.project(x, { ...x, data: moved });
    await target.predict(
      examples,
      Array.from(x.data.keys()).slice(0, x.dims[0]),
    );
    return target.examples();
  },
});

test("an attack of one's own is run, with its parameters", async () => {
  const run = (attackChoice: Parameters<typeof attack>[2]["attack"]) =>
    attack(
      linearModel(
        [
          [1, 0],
          [0, 0],
        ],
        [0, 0.5],
      ),
      { x: floats([1, 2], [0.4, 0]), y: [1] },
      { attack: attackChoice, norm: "linf", eps: 0.2 },
    );
  expect((await run(brighter)).broken).toEqual([true]);
  expect((await run({ id: brighter, share: 0.25 })).broken).toEqual([false]);
  await expect(run({ id: brighter, share: 2 })).rejects.toMatchObject({
    code: "ARGUMENT_INVALID",
    message: expect.stringContaining("share"),
  });
});

test.each([
  [{ attack: "pdg" }, "ARGUMENT_INVALID", 'did you mean "pgd"'],
  [{ attack: { id: "pgd", step: 3 } }, "ARGUMENT_INVALID", '"steps"'],
  [{ norm: "l0" }, "ATTACK_NORM", "linf, l2, l1"],
  [{ eps: -0.1 }, "ARGUMENT_INVALID", "eps"],
  [{ eps: Number.NaN }, "ARGUMENT_INVALID", "eps"],
  [{ eps: undefined }, "ARGUMENT_INVALID", "eps"],
  [{ attack: "spatial", norm: "none" }, "ARGUMENT_INVALID", "eps"],
  [{ queries: 0 }, "ARGUMENT_INVALID", "queries"],
  [{ seed: 0.5 }, "ARGUMENT_INVALID", "seed"],
  [{ attack: "base-pgd" }, "NEED_NOT_MET", "base"],
  [
    { attack: "spatial", norm: "none", eps: undefined },
    "NEED_NOT_MET",
    "images",
  ],
  [{ attack: "charmer", norm: "edits" }, "NEED_NOT_MET", "texts"],
] as const)("%j is refused in one line", async (odd, code, told) => {
  const options = { attack: "pgd", norm: "linf", eps: 0.1, ...odd } as const;
  await expect(attack(linear, { x, y }, options)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(told),
  });
  const { message } = await attack(linear, { x, y }, options).catch((e) => e);
  expect(message).not.toContain("\n");
});

test("a signal ends it, and progress is told up to the whole", async () => {
  const abort = new AbortController();
  const shares: number[] = [];
  const options = { attack: "pgd", norm: "linf", eps: [0.01, 0.02] } as const;
  await attack(
    linear,
    { x, y },
    { ...options, onProgress: (s) => shares.push(s) },
  );
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
  abort.abort();
  await expect(
    attack(linear, { x, y }, { ...options, signal: abort.signal }),
  ).rejects.toBeInstanceOf(InterruptedError);
});

test("the base is what attacks go through", async () => {
  const base = linearModel(
    [
      [2, 0],
      [0, 2],
    ],
    [0, 0],
  );
  const data = dataset({ name: "two", x, y, classes: linear.classes });
  const { queries } = await attack(linear, data, {
    attack: { id: "base-pgd", steps: 3 },
    norm: "linf",
    eps: 0.3,
    base,
  });
  expect(queries.gradient).toBe(0);
  expect(queries.base).toBeGreaterThan(0);
});
