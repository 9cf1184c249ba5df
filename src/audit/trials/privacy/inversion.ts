import type { Inversion } from "#attacks";
import { percent } from "#core";
import type { Dataset } from "#data";
import { argmaxRows, compile, type Model, replaceHead } from "#model";
import { byParts, type FloatTensor, sizeOf } from "#onnx";
import { settingsSchema, tuneEvenly } from "#tuning";
import { canBeShown, picture } from "../../gallery/index.ts";
import { rate } from "../../statistics/index.ts";
import {
  numberFinding,
  type Outcome,
  type Protocol,
  shareFinding,
  type TrialInput,
} from "../trial.ts";
import type { Victim } from "../victim.ts";
import { plainNetwork } from "./plain-network.ts";

/**
 * Makes an image of each class from the candidate alone. Whether it shows the class
 * says a network that was trained by itself on the test split: no weights, start or
 * data in common. Control: the same from the base behind a head that was not trained.
 */
export const inversion: Protocol<Inversion> = { kind: "inversion", run };

async function run(input: TrialInput<Inversion>): Promise<Outcome> {
  const { victim, random } = input;
  const { model, base, data } = victim;
  const judge = await independent(input);
  const means = classMeans(data.train);
  const untrained = base
    ? replaceHead(base, model.classes, random.fork("untrained"))
    : plainNetwork(model, random.fork("untrained"));
  const own = await look(model, judge, means, input);
  input.onProgress(0.9);
  const other = await look(untrained, judge, means, input);
  return outcomeOf(own, other, judge, victim);
}

function outcomeOf(
  own: Seen,
  other: Seen,
  judge: Judge,
  { model: { classes, contract }, data }: Victim,
): Outcome {
  const n = classes.length;
  const share = (of: Seen, measure: "recognised" | "nearest") =>
    of[measure].filter(Boolean).length;
  const recognised = {
    id: "recognised",
    title: "Classes that an independent model recognises",
    attacker: "up",
  } as const;
  const nearest = {
    id: "nearest-mean",
    title: "Images most like the mean of their own class",
    attacker: "up",
  } as const;
  const mean = (values: readonly number[]) =>
    values.reduce((s, v) => s + v, 0) / n;
  const number = (id: string, title: string, values: readonly number[]) =>
    numberFinding({ id, title, role: "detail", attacker: "up" }, mean(values), {
      n,
    });
  const control = rate(share(other, "recognised"), n);
  const holds = control.low <= 1 / n;
  return {
    findings: [
      shareFinding(
        { ...recognised, role: "headline" },
        share(own, "recognised"),
        n,
      ),
      shareFinding({ ...nearest, role: "detail" }, share(own, "nearest"), n),
      number("confidence", "Probability under the candidate", own.confidence),
      number(
        "independent-confidence",
        "Probability under the independent model",
        own.independent,
      ),
      number(
        "similarity",
        "Correlation with the mean of the class",
        own.similarity,
      ),
      shareFinding(
        { ...recognised, role: "control", at: "untrained head" },
        share(other, "recognised"),
        n,
      ),
      shareFinding(
        { ...nearest, role: "control", at: "untrained head" },
        share(other, "nearest"),
        n,
      ),
    ],
    charts: [],
    pictures: canBeShown(data.train.x)
      ? classes.map((name, i) => ({
          caption: `${name}: ${percent(own.confidence[i]!)} under the candidate, ${percent(own.independent[i]!)} under the independent model`,
          picture: picture(own.images, i, (v) => scaled(v, contract.bounds)),
        }))
      : [],
    notes: [
      `the independent model was trained on the test split and is right on ${percent(judge.accuracy)} of the validation split`,
    ],
    checks: [
      {
        id: "inversion-control",
        title: "Inversion of an untrained head",
        status: holds ? "passed" : "failed",
        message: holds
          ? `Of images that were made from an untrained head ${percent(control.value)} are recognised, as by chance.`
          : `Of images that were made from an untrained head ${percent(control.value)} are recognised, which is more than chance: what is recognised is not the candidate's.`,
      },
    ],
  };
}

const scaled = (v: number, [low, high]: readonly [number, number]) =>
  (v - low) / (high - low);

interface Judge {
  readonly model: Model;
  readonly accuracy: number;
}

/** A network of its own start and data. */
async function independent({
  victim,
  engine,
  random,
  signal,
}: TrialInput<Inversion>): Promise<Judge> {
  const own = random.fork("independent");
  const start = plainNetwork(victim.model, own.fork("weights"));
  const settings = settingsSchema.parse({});
  const { model, history } = await tuneEvenly({
    model: start,
    train: victim.data.test,
    validation: victim.data.validation,
    epochs: settings.epochs,
    settings,
    engine,
    random: own,
    signal,
  });
  const best = history.find((e) => e.best);
  return { model, accuracy: best?.validationAccuracy ?? 0 };
}

/** What became of an inversion, by class. */
interface Seen {
  readonly images: FloatTensor;
  readonly confidence: number[];
  readonly independent: number[];
  readonly recognised: boolean[];
  readonly similarity: number[];
  readonly nearest: boolean[];
}

async function look(
  model: Model,
  judge: Judge,
  means: readonly Float64Array[],
  { unit, params, engine, onProgress }: TrialInput<Inversion>,
): Promise<Seen> {
  const labels = Int32Array.from(means.keys());
  const compiled = await compile(model, engine);
  const images = await unit.invert({
    model: compiled,
    params,
    onProgress: (share) => onProgress(0.1 + 0.8 * share),
  });
  const sure = async (of: typeof compiled) =>
    Array.from((await of.lossGradient(images, labels)).loss, (l) =>
      Math.exp(-l),
    );
  const confidence = await sure(compiled);
  await compiled.release();
  const other = await compile(judge.model, engine);
  const independentOf = await sure(other);
  const said = argmaxRows(await other.logits(images));
  await other.release();
  const width = images.data.length / means.length;
  const alike = Array.from(labels, (i) =>
    means.map((mean) =>
      correlation(images.data.subarray(i * width, (i + 1) * width), mean),
    ),
  );
  return {
    images,
    confidence,
    independent: independentOf,
    recognised: Array.from(labels, (i) => said[i] === i),
    similarity: alike.map((row, i) => row[i]!),
    nearest: alike.map((row, i) => row.every((v, k) => k === i || v < row[i]!)),
  };
}

/** The mean of the samples of each class. */
function classMeans({ x, y, classes }: Dataset): Float64Array[] {
  const width = sizeOf(x.dims.slice(1));
  const means = classes.map(() => new Float64Array(width));
  const counts = classes.map((_, label) => y.filter((l) => l === label).length);
  for (const { from, data } of byParts(x))
    for (let at = 0; at < data.length; at += width) {
      const label = y[from + at / width]!;
      const mean = means[label]!;
      for (let k = 0; k < width; k++)
        mean[k]! += data[at + k]! / counts[label]!;
    }
  return means;
}

/** Pearson's; 0 of what does not vary. */
function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  const meanOf = (v: ArrayLike<number>) =>
    Array.from(v).reduce((s, e) => s + e, 0) / n;
  const [p, q] = [meanOf(a), meanOf(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [u, v] = [a[i]! - p, b[i]! - q];
    ab += u * v;
    aa += u * u;
    bb += v * v;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}
