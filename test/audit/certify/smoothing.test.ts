import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Results, runAudit } from "#audit";
import { Random } from "#core";
import { defend, type Sanitizer, sanitizers } from "#defenses";
import { onnxruntime } from "#engine";
import { compile, saveModel } from "#model";
import { floats, takeRows } from "#onnx";
import { resultsSchema } from "#results";
import {
  certificateOf,
  certify,
  predictSmoothed,
  summary,
} from "../../../src/audit/certify/smoothing.ts";
import { openStore } from "../../../src/audit/store.ts";
import { attacked } from "../../attacks/attacked.ts";
import { put } from "../../folder.ts";
import { linearModel, reference, smallDigits } from "../../reference.ts";

const alpha = 0.001;

test.each([
  // Cohen et al. 2019: p_A is the exact one-sided bound, R = sigma of its quantile.
  [990, 1000, 1.97801],
  [900, 1000, 1.11448],
  [600, 1000, 0.128379],
  // The largest radius that so many draws can prove.
  [1000, 1000, 2.463],
  [10_000, 10_000, 3.199],
  [100_000, 100_000, 3.811],
])("%i of %i draws prove a radius of %d sigma", (most, n, radius) => {
  const found = certificateOf([9, 1], [most, n - most], { sigma: 1, alpha });
  expect(found?.label).toBe(0);
  expect(found?.radius).toBeCloseTo(radius, radius > 2 ? 3 : 5);
  const half = certificateOf([9, 1], [most, n - most], { sigma: 0.5, alpha });
  expect(half?.radius).toBeCloseTo((found?.radius ?? 0) / 2, 9);
});

test("what the draws leave open is not certified", () => {
  expect(certificateOf([9, 1], [530, 470], { sigma: 1, alpha })).toBeNull();
  // The class is picked by the first draws alone, so that the second are an
  // honest test of it.
  expect(certificateOf([1, 9], [990, 10], { sigma: 1, alpha })).toBeNull();
});

// f(x) = w x + b against 0: under noise of any sigma the distance to the
// plane is f / |w|.
const weights = [3, -1, 2];
const length = Math.hypot(...weights);
const plane = linearModel([weights, [0, 0, 0]], [0.4, 0]);
const point = [0.5, 0.1, 0.2];
const distance =
  (point.reduce((sum, v, i) => sum + v * weights[i]!, 0) + 0.4) / length;

test("of a linear classifier the radius is never above the distance to its plane, and near it, for every sigma", async () => {
  const model = await compile(plane, onnxruntime);
  const x = floats([1, 3], point);
  const random = new Random(1);
  for (const sigma of [0.3, 0.6, 1.2]) {
    let above = 0;
    let sum = 0;
    const tries = 20;
    for (let i = 0; i < tries; i++) {
      const found = await certify(
        model,
        x,
        { sigma, n0: 50, n: 2000, alpha },
        random,
      );
      expect(found?.label).toBe(0);
      if ((found?.radius ?? 0) > distance) above++;
      sum += found?.radius ?? 0;
    }
    expect(above).toBe(0);
    expect(sum / tries).toBeGreaterThan(0.75 * distance);
  }
  await model.release();
});

test("prediction gives the class of the side, and abstains on the plane", async () => {
  const model = await compile(plane, onnxruntime);
  const smoothing = { sigma: 0.5, n0: 1, n: 400, alpha };
  const at = (by: number) =>
    floats(
      [1, 3],
      point.map((v, i) => v - (by * weights[i]!) / length),
    );
  const predict = (by: number) =>
    predictSmoothed(model, at(by), smoothing, new Random(2));
  expect(await predict(0)).toBe(0);
  expect(await predict(2 * distance)).toBe(1);
  expect(await predict(distance)).toBeNull();
  await model.release();
});

test("certified accuracy is not above what an attack on the smoothed classifier leaves", async () => {
  const model = await reference();
  const { test: data } = await smallDigits();
  const some = Array.from({ length: 24 }, (_, i) => i);
  const [x, y] = [takeRows(data.x, some), data.y.slice(0, some.length)];
  const sigma = 0.25;
  const smoothing = { sigma, n0: 50, n: 300, alpha };
  const noise = sanitizers.find((s) => s.id === "gaussian-noise") as Sanitizer;
  const soft = defend(model, [
    { unit: noise, params: noise.params.parse({ sigma, draws: 8 }) },
  ]);
  const plain = await compile(model, onnxruntime);
  const random = new Random(3);
  const found = [];
  for (const i of some)
    found.push(await certify(plain, takeRows(x, [i]), smoothing, random));
  const { curve } = summary(found, [...y], smoothing);
  for (const eps of [0.125, 0.25]) {
    const { examples } = await attacked(
      "apgd-ce",
      soft,
      { x, y },
      { norm: "l2", eps, params: { steps: 10, restarts: 1, eot: 2 } },
    );
    let right = 0;
    for (const i of some) {
      const row = takeRows(examples, [i]);
      if ((await predictSmoothed(plain, row, smoothing, random)) === y[i])
        right++;
    }
    const certified = curve.find((p) => p.radius === eps)?.certifiedAccuracy;
    expect(certified?.value).toBeGreaterThan(0);
    expect(certified?.value).toBeLessThanOrEqual(right / some.length);
  }
  await plain.release();
});

test("a suite certifies; a second run proves nothing again, and a partial one nothing at all", async () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-certify-"));
  saveModel(join(folder, "given.onnx"), await reference());
  const suite = put(
    folder,
    "suite.yaml",
    `
version: 1
title: certified
data: { source: digits }
classes: ["0", "1", "2", "3", "4"]
samples: 20
candidates:
  given: { model: given.onnx }
  other: { model: given.onnx }
threatModels:
  small: { norm: l2, eps: 0.1 }
attacks:
  noise: noise
certify: { sigma: [0.1, 0.2], n: 200, n0: 20, samples: 10, candidates: [given] }
`,
  );
  const out = join(folder, "out");
  const { certificates } = await runAudit({ suite, out });
  expect(certificates.map((c) => [c.candidate, c.sigma])).toEqual([
    ["given", 0.1],
    ["given", 0.2],
  ]);
  for (const { radii, outcomes, accuracy, curve, sigma } of certificates) {
    expect(radii).toHaveLength(10);
    radii.forEach((radius, i) => {
      expect(radius !== null).toBe(outcomes[i] === "1");
    });
    expect(curve[0]).toEqual({ radius: 0, certifiedAccuracy: accuracy });
    for (const [k, p] of curve.entries()) {
      expect(p.radius).toBeCloseTo((k * sigma) / 4, 6);
      const before = curve[k - 1]?.certifiedAccuracy.value ?? 1;
      expect(p.certifiedAccuracy.value).toBeLessThanOrEqual(before);
    }
  }
  // What is kept is read, not proved again: change it, and the next run shows it.
  const [file = ""] = readdirSync(join(out, "certificates"));
  const store = openStore(out);
  const name = `certificates/${file}`;
  const proved = store.read<{ certificates: ({ radius: number } | null)[] }>(
    name,
  );
  store.write(name, {
    ...proved,
    certificates: proved?.certificates.map(
      (one) => one && { ...one, radius: 0.0125 },
    ),
  });
  const again = await runAudit({ suite, out });
  const seen = again.certificates.flatMap((c) => c.radii);
  expect(seen).toContain(0.0125);
  expect(() => resultsSchema.parse(again)).not.toThrow();
  const part: Results = await runAudit({ suite, out, only: ["given/*"] });
  expect(part.certificates).toEqual([]);
});
