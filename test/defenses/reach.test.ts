import { expect, test } from "vitest";
import { Random } from "#core";
import {
  answeringAfter,
  type ChosenDefense,
  type ChosenDetector,
  type ChosenSanitizer,
  defend,
  type FitInput,
  fitDetector,
  inPlace,
  reactiveDefenses,
  type Sanitizer,
} from "#defenses";
import { onnxruntime } from "#engine";
import { compile, isFlagged, type Detector as WatchingDetector } from "#model";
import { clopperPearson } from "../../src/audit/statistics/intervals.ts";
import { reference, smallDigits } from "../reference.ts";

const part = (id: string, stated: Record<string, unknown> = {}) => {
  const unit = reactiveDefenses.find((d) => d.id === id);
  if (!unit) throw new Error(`no defence ${id}`);
  return { unit, params: unit.params.parse(stated) } as ChosenDefense;
};

const input = async (): Promise<FitInput> => ({
  model: await reference(),
  engine: onnxruntime,
  ...(await smallDigits()),
  random: new Random(5),
  onProgress() {},
});

test("a part is fitted to the data as the parts before it make them", async () => {
  const raw = await input();
  const rounding = part("bit-depth", { bits: 1 });
  const { train, outside } = await inPlace(raw, [rounding], []);
  expect(train.x.data).toEqual(raw.train.x.data.map((v) => (v > 0.5 ? 1 : 0)));
  expect(train.y).toEqual(raw.train.y);
  expect(outside?.validation).toBe(raw.validation);
  // Behind several versions of each sample each is one, with its label.
  const turned = part("test-time-augmentation");
  const noisy = part("gaussian-noise", { sigma: 0.1 });
  const views = (turned.unit as Sanitizer).views?.(turned.params) as number;
  const several = await inPlace(raw, [noisy, turned], []);
  expect(several.train.x.dims).toEqual([
    raw.train.y.length * views,
    ...raw.train.x.dims.slice(1),
  ]);
  expect([...several.train.y.slice(0, 2 * views)]).toEqual(
    [0, 1].flatMap((i) => new Array(views).fill(raw.train.y[i])),
  );
  // What is drawn is the same each time.
  const again = await inPlace(raw, [noisy, turned], []);
  expect(again.train.x.data).toEqual(several.train.x.data);
});

test("a detector behind a strong sanitizer knows what that makes of samples, and flags as many clean ones as is stated", async () => {
  const raw = await input();
  const { test: data } = await smallDigits();
  const fpr = 0.1;
  const rounding = part("bit-depth", { bits: 1 });
  const detector = part("mahalanobis", { fpr }) as ChosenDetector;
  const fitted = await fitDetector(detector, [rounding], raw);
  const { train } = await inPlace(raw, [rounding], []);
  const within = await detector.unit.fit?.({ ...raw, train }, detector.params);
  for (const name of ["means.0", "whitening.0"])
    expect(fitted.get(name)?.data).toEqual(within?.get(name)?.data);
  const without = await detector.unit.fit?.(raw, detector.params);
  expect(fitted.get("means.0")?.data).not.toEqual(
    without?.get("means.0")?.data,
  );

  const model = defend(raw.model, [rounding, { ...detector, fitted }]);
  const compiled = await compile(model, onnxruntime);
  const { scores } = await compiled.answers(data.x);
  await compiled.release();
  const [watching] = model.detectors as [WatchingDetector];
  const flagged = [...scores[0]!.data].filter((score) =>
    isFlagged(score, watching),
  ).length;
  const { low, high } = clopperPearson(flagged, data.y.length, 0.999);
  expect(low).toBeLessThanOrEqual(fpr);
  expect(high).toBeGreaterThanOrEqual(fpr);
});

test("a fitted projection behind the same projection changes nothing", async () => {
  const raw = await input();
  const projection = part("pca", { components: 10 }) as ChosenSanitizer;
  const fitBehind = async (before: ChosenDefense[]) => ({
    ...projection,
    fitted: await projection.unit.fit?.(
      await inPlace(raw, before, []),
      projection.params,
    ),
  });
  const first = await fitBehind([]);
  const second = await fitBehind([first]);
  const answers = async (parts: ChosenDefense[]) => {
    const compiled = await compile(defend(raw.model, parts), onnxruntime);
    const logits = await compiled.logits(raw.validation.x);
    await compiled.release();
    return [...logits.data];
  };
  const twice = await answers([first, second]);
  for (const [i, logit] of (await answers([first])).entries())
    expect(twice[i]).toBeCloseTo(logit, 3);
});

test("a part that looks at the model is fitted to it behind what follows and learns nothing", async () => {
  const raw = await input();
  const noise = part("gaussian-noise", { sigma: 0.2 });
  const learned = part("pca", { components: 10 });
  const treating = part("energy", { policy: "sanitise" });
  expect(answeringAfter([noise, learned, treating, noise])).toEqual([noise]);
  const { unit, params } = part("guided-denoiser", {
    width: 2,
    epochs: 1,
  }) as ChosenSanitizer;
  const fitBefore = async (after: ChosenDefense[]) => {
    const placed = await inPlace(raw, [], after);
    return (await unit.fit?.(placed, params))?.get("out.weight")?.data;
  };
  const [alone, followed] = [await fitBefore([]), await fitBefore([noise])];
  expect(followed).not.toEqual(alone);
  expect(await fitBefore([noise])).toEqual(followed);
});
