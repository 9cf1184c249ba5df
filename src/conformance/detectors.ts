import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { Random } from "#core";
import {
  type ChosenDetector,
  type Detector,
  defend,
  fitDetector,
} from "#defenses";
import { onnxruntime } from "#engine";
import {
  argmaxRows,
  compile,
  loadModel,
  type Model,
  rejections,
  saveModel,
} from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import type { LawOptions } from "./attacks.ts";
import { examplesOf } from "./examples.ts";
import { ensure, ensureSame, type Law, once } from "./law.ts";
import { saysWhatItIs } from "./meta.ts";
import { reference, smallDigits } from "./world.ts";

export interface DetectorOptions extends LawOptions {
  /** Whether it claims nothing of examples of evasion, such as one for backdoors. */
  readonly isBlindToEvasion?: boolean;
}

const place = once(async () => {
  const parts = await smallDigits();
  return { model: await reference(), ...parts, ...parts.test };
});

/** What a model says, and which rows it refuses. */
async function asked(model: Model, images: FloatTensor) {
  const compiled = await compile(model, onnxruntime);
  const { logits, scores } = await compiled.answers(images);
  await compiled.release();
  const count = images.dims[0] ?? 0;
  const refused = rejections(model.detectors ?? [], scores, count);
  return { logits, scores, refused, said: argmaxRows(logits) };
}

async function fitted(
  unit: Detector,
  params: Record<string, unknown>,
): Promise<ChosenDetector> {
  const { model, train, validation } = await place();
  const found = await fitDetector({ unit, params }, [], {
    ...{ model, train, validation, engine: onnxruntime },
    random: new Random(5),
    onProgress() {},
  });
  return { unit, params, fitted: found };
}

/**
 * The laws of detectors, on a small network and 8x8 digits.
 *
 * @example
 * ```ts
 * import { detectorLaws } from "assay/conformance";
 * import { lowLogit } from "./low-logit.ts";
 *
 * for (const { title, check } of detectorLaws(lowLogit)) {
 *   await check();
 *   console.log("kept:", title);
 * }
 * ```
 */
export function detectorLaws(
  unit: Detector,
  { params: stated = {}, isBlindToEvasion = false }: DetectorOptions = {},
): Law[] {
  const chosen = once(() => fitted(unit, unit.params.parse(stated)));
  const watched = once(async () =>
    defend((await place()).model, [await chosen()]),
  );
  const laws: Law[] = [
    {
      title: "leaves the logits as they are, and says the same of a row alone",
      async check() {
        const { model, x, y } = await place();
        const before = await asked(model, x);
        const { logits, scores } = await asked(await watched(), x);
        ensureSame(before.logits.data, logits.data, "the logits");
        ensure(scores.length === 1, `${scores.length} scores, expected one`);
        ensureSame([y.length], scores[0]!.dims, "the shape of the scores");
        const alone = await asked(await watched(), takeRows(x, [3]));
        const [one, among] = [alone.scores[0]!.data[0]!, scores[0]!.data[3]!];
        ensure(
          Math.abs(one - among) < 5e-4,
          `${among} among others, ${one} alone`,
        );
      },
    },
    {
      title: "is fitted alike under its seed",
      async check() {
        const one = await chosen();
        const again = await fitted(unit, one.params);
        for (const [name, tensor] of one.fitted ?? [])
          ensureSame(tensor.data, again.fitted!.get(name)!.data, name);
      },
    },
    {
      title: "flags as many validation samples as it was told, at most",
      async check() {
        const { validation } = await place();
        const { params } = await chosen();
        const { refused } = await asked(await watched(), validation.x);
        const flagged = refused.filter(Boolean).length;
        const most = Math.floor((params.fpr as number) * refused.length);
        ensure(flagged <= most, `${flagged} are flagged, of ${most} at most`);
        ensure(flagged > 0, "none is flagged");
      },
    },
    {
      title:
        "the hardened file gives logits, score and rejection in plain onnxruntime, and can be attacked when it is read again",
      check: async () => sameInPlainOrt(await watched()),
    },
    {
      title: "an adaptive attack gets a gradient of the score",
      check: async () => gradientOfScore(unit, await watched()),
    },
    {
      title: "an attack that knows it does better than one that does not",
      async check() {
        const { model, test, y } = await place();
        const defended = await watched();
        const standing = async (of: Model) => {
          const examples = await examplesOf("pgd", of, test, 0.3, {
            ...{ steps: 20, relStepSize: 0.1 },
          });
          const { said, refused } = await asked(defended, examples);
          return said.filter((p, i) => refused[i] || p === y[i]).length;
        };
        const [aware, unaware] = [
          await standing(defended),
          await standing(model),
        ];
        ensure(
          aware <= unaware && aware < y.length,
          `${aware} samples stand under an attack that knows it, ${unaware} under one that does not`,
        );
      },
    },
    {
      title: "scores examples that fool the model above clean samples",
      async check() {
        const { model, test, x, y } = await place();
        const examples = await examplesOf("fgsm", model, test, 0.15, {});
        const { said, scores } = await asked(await watched(), examples);
        const fooled = Array.from(y.keys()).filter((i) => said[i] !== y[i]);
        const clean = await asked(await watched(), x);
        const pairs = fooled.flatMap((i) =>
          Array.from(
            clean.scores[0]!.data,
            (score) => scores[0]!.data[i]! > score,
          ),
        );
        const above = pairs.filter(Boolean).length / pairs.length;
        ensure(above > 0.6, `${above} of the pairs are in order, expected 0.6`);
      },
    },
    saysWhatItIs("detector", unit),
  ];
  return laws.filter(
    ({ title }) => !isBlindToEvasion || !title.startsWith("scores examples"),
  );
}

async function gradientOfScore(unit: Detector, defended: Model): Promise<void> {
  const { x, y } = await place();
  const [own] = defended.detectors!;
  // A threshold that everything exceeds: all that is left to do is to evade it.
  const strict = { ...own!, threshold: own!.threshold - 100 * own!.scale };
  const compiled = await compile(
    { ...defended, detectors: [strict] },
    onnxruntime,
  );
  const wrong = y.map((label) => (label + 1) % 5);
  const { gradient } = await compiled.lossGradient(x, wrong, {
    loss: "margin",
  });
  await compiled.release();
  ensure(gradient.data.every(Number.isFinite), "a gradient is not finite");
  const width = gradient.data.length / y.length;
  const alive = Array.from(y, (_, i) =>
    gradient.data.subarray(i * width, (i + 1) * width).some((g) => g !== 0),
  ).filter(Boolean).length;
  ensure(
    alive > 0.9 * y.length,
    `${alive} of ${y.length} gradients are not zero`,
  );
  const passes = defended.straightThrough.length > 0;
  ensure(
    passes === (unit.gradient === "straight-through"),
    `its gradient is said to be ${unit.gradient}`,
  );
}

async function sameInPlainOrt(defended: Model): Promise<void> {
  const { x, y } = await place();
  const folder = mkdtempSync(join(tmpdir(), "assay-"));
  try {
    const file = join(folder, "hardened.onnx");
    saveModel(file, defended);
    const plain = await ort.InferenceSession.create(file);
    const out = await plain.run({
      [plain.inputNames[0]!]: new ort.Tensor("float32", x.data, x.dims),
    });
    const ours = await asked(defended, x);
    const numbers = (name: string) => {
      const found = out[name];
      ensure(found !== undefined, `the file has no output "${name}"`);
      return Array.from(found.data as Float32Array, Number);
    };
    const expected: [string, ArrayLike<number>][] = [
      [defended.logits, ours.logits.data],
      ["score", ours.scores[0]!.data],
      ["rejected", ours.refused.map(Number)],
    ];
    for (const [name, values] of expected)
      ensureSame(Array.from(values), numbers(name), `${name}, then the file's`);
    const again = await loadModel(file);
    const gradient = async (model: Model) => {
      const compiled = await compile(model, onnxruntime);
      const found = await compiled.lossGradient(x, y);
      await compiled.release();
      return found.gradient.data;
    };
    ensureSame(
      await gradient(defended),
      await gradient(again),
      "the gradient, then that of the file that was read again",
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
