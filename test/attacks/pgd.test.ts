import { existsSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { type Attack, attacks, ballOf } from "#attacks";
import { packagePath, Random } from "#core";
import {
  loadDataset,
  selectClasses,
  stratifiedSample,
  takeSamples,
} from "#data";
import { onnxruntime } from "#engine";
import {
  argmaxRows,
  type CompiledModel,
  compile,
  grantAccess,
  loadModel,
} from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import { reference, smallDigits } from "../reference.ts";
import { attacked } from "./attacked.ts";

let model: CompiledModel;
let x: FloatTensor;
let y: Int32Array;

beforeAll(async () => {
  const { test: data } = await smallDigits();
  model = await compile(await reference(), onnxruntime);
  const predicted = argmaxRows(await model.logits(data.x));
  const right = Array.from(data.y, (_, i) => i).filter(
    (i) => predicted[i] === data.y[i],
  );
  x = takeRows(data.x, right);
  y = Int32Array.from(right, (i) => data.y[i]!);
});

async function attack(
  id: string,
  eps: number,
  params: Record<string, unknown>,
) {
  const unit = attacks.find((a) => a.id === id) as Attack;
  const ball = ballOf("linf", eps, [0, 1]);
  const target = grantAccess(model, { access: "gradient", x, y, limit: ball });
  const shares: number[] = [];
  const examples = await unit.run({
    target,
    x,
    y,
    ball,
    params: unit.params.parse(params),
    random: Array.from(y, (_, i) => new Random(i)),
    onProgress: (s) => shares.push(s),
  });
  return {
    predicted: argmaxRows(await model.logits(examples)),
    queries: target.queries,
    shares,
  };
}

const broken = (predicted: Int32Array) =>
  predicted.filter((p, i) => p !== y[i]).length;

test("a sample that is broken leaves the batch", async () => {
  const steps = 40;
  const { predicted, queries } = await attack("pgd", 0.3, {
    steps,
    relStepSize: 0.1,
  });
  expect(broken(predicted)).toBe(y.length);
  expect(queries.gradient).toBeLessThan(0.5 * steps * y.length);
  const { queries: small } = await attack("pgd", 1e-6, { steps });
  expect(small.gradient).toBe(steps * y.length);
});

test("more restarts never break fewer samples, and only try those that stand", async () => {
  const once = await attack("pgd", 0.1, { steps: 10, relStepSize: 0.25 });
  const often = await attack("pgd", 0.1, {
    steps: 10,
    relStepSize: 0.25,
    restarts: 4,
  });
  expect(broken(often.predicted)).toBeGreaterThanOrEqual(
    broken(once.predicted),
  );
  expect(often.queries.gradient).toBeLessThan(4 * 10 * y.length);
  expect([...often.shares]).toEqual([...often.shares].sort((a, b) => a - b));
});

test.each(["fgsm", "pgd"])("%s can aim at a class", async (id) => {
  const clean = await model.logits(x);
  const least = Array.from(y, (label, i) => {
    const row = Array.from(clean.data.subarray(5 * i, 5 * i + 5), (z, k) =>
      k === label ? Number.POSITIVE_INFINITY : z,
    );
    return row.indexOf(Math.min(...row));
  });
  const hits = (predicted: Int32Array) =>
    predicted.filter((p, i) => p === least[i]).length;
  const steps = id === "pgd" ? { steps: 40, relStepSize: 0.1 } : {};
  const aimed = await attack(id, 0.4, { targeted: "least-likely", ...steps });
  const free = await attack(id, 0.4, steps);
  expect(hits(aimed.predicted)).toBeGreaterThan(hits(free.predicted));
  const random = await attack(id, 0.4, { targeted: "random", ...steps });
  expect(broken(random.predicted)).toBeGreaterThan(0);
});

test("eot averages what the model draws: a mean of four right-pointing draws is as good as no draw", async () => {
  const unit = attacks.find((a) => a.id === "pgd") as Attack;
  const ball = ballOf("linf", 0.1, [0, 1]);
  const standing = async (victim: CompiledModel, eot: number) => {
    const target = grantAccess(victim, {
      access: "gradient",
      x,
      y,
      limit: ball,
    });
    await unit.run({
      target,
      x,
      y,
      ball,
      params: unit.params.parse({ steps: 10, relStepSize: 0.25, eot }),
      random: Array.from(y, (_, i) => new Random(i)),
      onProgress: () => {},
    });
    return target.open().length;
  };
  // Every other pair of gradients points the wrong way, less far.
  let call = 0;
  const drawing: CompiledModel = {
    ...model,
    async lossGradient(...ask) {
      const answer = await model.lossGradient(...ask);
      const factor = [-2, -2, 3, 3][call++ % 4]!;
      const data = answer.gradient.data.map((g) => g * factor);
      return { ...answer, gradient: { ...answer.gradient, data } };
    },
  };
  const plain = await standing(model, 1);
  expect(plain).toBeGreaterThan(0);
  expect(await standing(drawing, 1)).toBeGreaterThan(plain);
  call = 0;
  expect(await standing(drawing, 4)).toBe(plain);
});

const three = packagePath("../shared/cases/l1-pgd/three.onnx");
test.skipIf(!existsSync(three))(
  "../shared: in L1 it leaves no more than another library's sparse descent, 37.5 %",
  async () => {
    const digits = await loadDataset({ source: "digits" }, packagePath("."));
    const all = selectClasses(digits, ["3", "8", "9"]);
    const some = takeSamples(all, stratifiedSample(all, 120, new Random(1)));
    const { distances } = await attacked("pgd", await loadModel(three), some, {
      norm: "l1",
      eps: 2,
      params: { steps: 100, restarts: 5, relStepSize: 0.1 },
    });
    const standing = distances.filter((d) => d === Infinity).length;
    expect(standing / distances.length).toBeLessThan(0.375);
    expect(standing / distances.length).toBeGreaterThan(0.2);
  },
);
