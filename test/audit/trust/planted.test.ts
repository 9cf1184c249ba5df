import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Results, runAudit } from "#audit";
import { packagePath } from "#core";
import type { Model } from "#model";
import {
  float,
  floats,
  GraphBuilder,
  int,
  prepend,
  string,
  typeCodes,
  writeModel,
} from "#onnx";
import { temporaryFolder } from "../../folder.ts";
import { reference } from "../../reference.ts";

// Models and attacks whose robustness is known to be an artefact. Each number
// must be marked as not trusted, and the gate must not pass on it; an honest
// model under an honest attack must raise no alarm.

const folder = temporaryFolder();

const PGD = "{ id: pgd, steps: 50, restarts: 2, relStepSize: 0.1 }";

/** Audits one given model of the classes 0 to 4. */
async function audit(
  name: string,
  {
    seed = 1,
    attack = PGD,
    input = "{}",
    eps = 0.15,
    classes = 'classes: ["0", "1", "2", "3", "4"]',
    defenses = "",
  } = {},
): Promise<Results> {
  const suite = join(folder, `${name}-${seed}.yaml`);
  writeFileSync(
    suite,
    `
version: 1
title: ${name}
seed: ${seed}
data: { source: digits }
${classes}
samples: 60
candidates:
  planted: { model: ${name}.onnx, input: ${input} }
${defenses}
threatModels:
  budget: { norm: linf, eps: ${eps} }
attacks:
  pgd: ${attack}
gate:
  - robustAccuracy: { min: 0.05, threatModel: budget }
`,
  );
  return runAudit({ suite, out: join(folder, `out-${name}-${seed}`) });
}

const failed = ({ cells }: Results) =>
  cells.flatMap((c) => c.checks.filter((k) => k.status === "failed"));

function expectCaught(results: Results, ...checks: string[]) {
  const found = failed(results).map((k) => k.id);
  for (const check of checks) expect(found).toContain(check);
  expect(results.cells.every((c) => !c.trusted)).toBe(true);
  // Low numbers may still fail: a weak attack only overestimates robustness.
  expect(results.gate.verdict).not.toBe("passed");
}

/** The reference with something in front of it, in a file that does not say so. */
async function saved(
  name: string,
  change: (model: Model) => Model,
): Promise<void> {
  const { graph } = change(await reference());
  writeModel(join(folder, `${name}.onnx`), graph);
}

const inFront = (
  model: Model,
  add: (b: GraphBuilder, x: string) => string,
): Model => ({
  ...model,
  graph: prepend(model.graph, model.input, "planted/", add).graph,
});

test("a plain model under PGD raises no alarm", async () => {
  await saved("plain", (model) => model);
  const results = await audit("plain", { eps: 0.1 });
  expect(failed(results)).toEqual([]);
});

test("rounding as a defence, attacked through it, raises no alarm: the control falls", async () => {
  await saved("rounded", (model) => model);
  const results = await audit("rounded", {
    eps: 0.22,
    defenses: "defenses: { rounded: [{ id: bit-depth, bits: 4 }] }",
  });
  expect(failed(results)).toEqual([]);
  const checks = results.cells.flatMap((cell) => cell.checks);
  expect(checks.filter(({ id }) => id === "breaks-control")).toMatchObject([
    { status: "passed" },
  ]);
});

test("an honestly adversarially trained model raises no alarm, and is more robust", async () => {
  const robust = async (name: string, attack: string) => {
    copyFileSync(
      packagePath(`test/fixtures/parity/${name}.onnx`),
      join(folder, `${name}.onnx`),
    );
    const results = await audit(name, { eps: 0.1, attack, classes: "" });
    return {
      alarms: failed(results),
      accuracy: results.worstCases[0]?.robustAccuracy.value ?? Number.NaN,
    };
  };
  // Few restarts miss some of it, which raises an alarm with good reason.
  const hard = await robust(
    "robust",
    PGD.replace("restarts: 2", "restarts: 10"),
  );
  const soft = await robust("plain", PGD);
  expect(hard.alarms).toEqual([]);
  expect(hard.accuracy).toBeGreaterThan(soft.accuracy + 0.2);
});

test("a term sin(300 x) that shatters the gradient is caught under every draw by what was tried beside it", async () => {
  await saved("sine", (model) =>
    inFront(model, (b, x) =>
      b.add(x, b.mul(b.op("Sin", [b.mul(x, 300)]), 0.03)),
    ),
  );
  for (const seed of [1, 2, 3])
    expectCaught(await audit("sine", { seed, eps: 0.1 }), "other-means");
});

test("one answer for everything: it withstands all, and is worth nothing", async () => {
  await saved("constant", (model) => {
    const b = new GraphBuilder(model.graph);
    const bias = b.constant(floats([1, 5], [1, 0, 0, 0, 0]));
    const same = b.add(b.mul(model.logits, 1e-6), bias);
    return { ...model, graph: b.build([same]), logits: same };
  });
  const results = await audit("constant");
  expectCaught(results, "better-than-guessing");
  expect(results.warnings?.join()).toContain("same answer");
});

test("the label and a layer that has nothing to do with it fall to what breaks another candidate, whatever else is planned", async () => {
  await saved("plain", (model) => model);
  await saved("label", (model) => {
    const b = new GraphBuilder(model.graph);
    const { logits, input } = model;
    const most = b.op("ReduceMax", [logits, b.ints([1])]);
    const label = b.mask(b.op("GreaterOrEqual", [logits, most]), logits);
    const flat = b.op("Flatten", [input], { axis: int(1) });
    const beside = b.constant(
      floats(
        [64, 5],
        Array.from({ length: 320 }, (_, i) => Math.sin(i) / 8),
      ),
    );
    const scores = b.add(b.mul(label, 10), b.op("MatMul", [flat, beside]));
    return { ...model, graph: b.build([scores]), logits: scores };
  });
  const suite = join(folder, "pair.yaml");
  writeFileSync(
    suite,
    `
version: 1
title: pair
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 40
candidates:
  label: { model: label.onnx }
  plain: { model: plain.onnx }
threatModels:
  budget: { norm: linf, eps: 0.15 }
attacks:
  pgd: { id: pgd, steps: 20, relStepSize: 0.1 }
`,
  );
  const out = join(folder, "out-pair");
  const part = await runAudit({ suite, out, only: ["label/*"] });
  expect(failed(part).map(({ message }) => message)).toContainEqual(
    expect.stringContaining("Examples of the candidate plain broke"),
  );
  const states = new Map<string, string>();
  await runAudit({
    suite,
    out,
    onEvent: (event) => {
      if (event.kind === "work" && event.of === "probes")
        states.set(event.work.split("/")[0]!, event.state);
    },
  });
  expect([...states]).toContainEqual(["probes plain", "done"]);
  expect(states.get("probes label")).not.toBe("done");
});

test("a file that underflows in half floats, attacked as if it did not", async () => {
  await saved("halves", (model) => {
    const b = new GraphBuilder(model.graph);
    const cast = (x: string, to: "float16" | "float32") =>
      b.op("Cast", [x], { to: int(typeCodes[to]) });
    const small = cast(b.mul(model.logits, 1e-10), "float16");
    const logits = b.mul(cast(small, "float32"), 1e10);
    return { ...model, graph: b.build([logits]), logits };
  });
  const results = await audit("halves");
  expectCaught(results, "clean-preflight");
  expect(failed(results)[0]?.message).toContain("as it is, in its own types");
});

test("a saturated softmax: logits so large that the loss is flat", async () => {
  await saved("saturated", (model) => {
    const b = new GraphBuilder(model.graph);
    const scaled = b.mul(model.logits, 1000);
    return { ...model, graph: b.build([scaled]), logits: scaled };
  });
  expectCaught(await audit("saturated"), "gradients-available");
});

test("quantised inputs: rounding has no gradient", async () => {
  await saved("quantised", (model) =>
    inFront(model, (b, x) => b.mul(b.op("Round", [b.mul(x, 4)]), 0.25)),
  );
  expectCaught(await audit("quantised"), "gradients-available");
});

test("thermometer codes: comparisons have no gradient", async () => {
  await saved("thermometer", (model) =>
    inFront(model, (b, x) => {
      const levels = [0.2, 0.4, 0.6, 0.8];
      const above = levels.map((l) =>
        b.mask(b.op("Greater", [x, b.scalar(l)]), x),
      );
      return b.mul(b.op("Sum", above), 1 / levels.length);
    }),
  );
  expectCaught(await audit("thermometer"), "gradients-available");
});

test("random resizing, attacked as if it were not random", async () => {
  await saved("random", (model) =>
    inFront(model, (b, x) => {
      const each = b.reduceSum(x, [1, 2, 3], true);
      const draw = b.op("RandomUniformLike", [each], {
        low: float(0),
        high: float(1),
      });
      const chosen = b.mask(b.op("Greater", [draw, b.scalar(0.5)]), x);
      const small = b.op(
        "Resize",
        [x, "", b.constant(floats([4], [1, 1, 0.75, 0.75]))],
        { mode: string("linear") },
      );
      const padded = b.pad(small, [0, 0, 1, 1], [0, 0, 1, 1]);
      return b.add(b.mul(x, b.sub(1, chosen)), b.mul(padded, chosen));
    }),
  );
  expectCaught(await audit("random"), "repeatable");
});

test("an attack with too few steps", async () => {
  await saved("hurried", (model) => model);
  const attack = "{ id: pgd, steps: 3, relStepSize: 0.1 }";
  expectCaught(await audit("hurried", { attack }), "converged-in-steps");
});

test("preprocessing that the model does by itself, stated again", async () => {
  await saved("twice", (model) => model);
  const input = "{ mean: 0.5, std: 0.25 }";
  const results = await audit("twice", { input });
  expectCaught(results, "clean-preflight");
  expect(failed(results)[0]?.message).toContain("leave them out");
});
