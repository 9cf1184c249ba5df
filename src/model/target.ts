import { AssayError, Random } from "#core";
import { type FloatTensor, takeRows } from "#onnx";
import { argmaxRows } from "./answers.ts";
import { standsBeside, withBeside } from "./beside.ts";
import { openBook } from "./book.ts";
import type { LossGradient } from "./compiled.ts";
import type { CutPlace } from "./cut-off.ts";
import { asAttacked, rejections } from "./detection.ts";
import { mayRefuse } from "./detector.ts";
import { type FeaturesAt, grantFeatures } from "./features-at.ts";
import type { Objective } from "./loss-pass.ts";
import type { Answers } from "./model.ts";
import type { Samples } from "./samples.ts";
import { meaningOf } from "./tasks/index.ts";
import {
  type Access,
  type Answering,
  checkTerms,
  type Terms,
} from "./terms.ts";

/** Samples that were evaluated, by kind. */
export interface Queries {
  forward: number;
  gradient: number;
  /** Queries of the public base. */
  base: number;
}

/**
 * All that an attack gets of the model it attacks: exactly the access of its
 * threat model, counted and judged. It sees every answer, so it also keeps the
 * book (`Book`): which samples are broken, after how many queries, and by what. What
 * the access does not include throws ACCESS_DENIED, and a query beyond the
 * budget of a sample QUERY_BUDGET: an attack cannot cheat, and cannot lose
 * what it found.
 *
 * Where the model may refuse to answer, a sample is broken only by what is
 * misclassified and not refused. All that the attack is told has that in it (see
 * `asAttacked`), so every attack is one on the detector as well.
 */
export interface Target<X extends Samples = FloatTensor> {
  readonly access: Access;
  /**
   * The same target with no more than this access, such as a member of an ensemble has.
   * What is counted and kept is shared.
   */
  within(access: Access): Target<X>;
  /**
   * How many there are; of a model that is no classifier "right" and the ways to be
   * wrong (see `Meaning`).
   */
  readonly classes: number;
  /**
   * The samples that still stand and can afford so many more queries, ascending. Where
   * the nearest example is looked for, and where the model draws at random, a sample
   * stands to the end.
   */
  open(queries?: number): number[];
  /** Whether a sample can afford so many more queries, broken or not. */
  affords(sample: number, queries: number): boolean;
  /**
   * The predicted class of each row. Needs access "label", "score" or "gradient".
   *
   * @param x rows of examples
   * @param samples of which sample each row is
   */
  predict(x: X, samples: readonly number[]): Promise<Int32Array>;
  /** Logits [rows, classes]. Needs access "score" or "gradient". */
  scores(x: X, samples: readonly number[]): Promise<FloatTensor>;
  /**
   * Loss, its gradient and the logits of each row. Needs access "gradient".
   *
   * @param objective what is differentiated, at the true labels unless it says others;
   *   by default, as "cross-entropy" at the true labels, the loss of the model's task
   */
  lossGradient(
    x: X,
    samples: readonly number[],
    objective?: Omit<Objective, "targets"> & { labels?: ArrayLike<number> },
  ): Promise<LossGradient>;
  /**
   * What the model computes at a cut. Needs access "gradient".
   *
   * @throws CUT_UNKNOWN, CUT_SHAPE, HEAD_UNKNOWN
   */
  featuresAt(place: CutPlace): Promise<FeaturesAt>;
  /**
   * The nearest example of each sample that was misclassified within the limit, or the
   * last one where the model draws at random; of one that stands the last that was
   * tried, or the sample itself where that is beyond the limit.
   */
  examples(): X;
  /**
   * Distance of the nearest misclassified example of each sample, Infinity
   * where there is none.
   */
  readonly distances: Float64Array;
  /** The public base with its own head, with full access to it. Needs access "base". */
  readonly base: Target<X>;
  readonly queries: Readonly<Queries>;
  /**
   * The query by which each sample was broken first, counted from 1; 0 where it stands.
   */
  readonly brokenAt: Int32Array;
  /**
   * The untargeted loss that the attack saw of each sample at each gradient, since it
   * last changed what it differentiates.
   */
  readonly losses: readonly (readonly number[])[];
  /**
   * The samples of which a gradient had numbers that are not finite, in whose place
   * there was 0.
   */
  readonly notFinite: ReadonlySet<number>;
}

const allowed: Readonly<Record<Access, readonly string[]>> = {
  none: [],
  label: ["predict"],
  score: ["predict", "scores"],
  gradient: ["predict", "scores", "lossGradient", "featuresAt"],
  base: ["base"],
};

/**
 * A target on these terms.
 *
 * @throws TARGET_TERMS when samples, labels and targets do not fit each other, the
 *   bounds or the model
 */
export function grantAccess<X extends Samples>(
  model: Answering<NoInfer<X>>,
  terms: Terms<X>,
): Target<X> {
  checkTerms(model, terms);
  const { x, y, targets, limit, base, beside = [] } = terms;
  const book = openBook(terms, model.model.noise !== undefined);
  const surrogate =
    base && grantAccess(base, { access: "gradient", x, targets, limit });
  const meaning = meaningOf(model.model);
  const { detectors = [] } = model.model;
  const { draws = new Random("draws") } = terms;
  const streams = book.losses.map((_, i) => draws.fork(i));
  const drawsOf = (samples: readonly number[]) =>
    samples.map((i) => streams[i]!);
  const targetsOf = (samples: readonly number[]) =>
    meaning.targets && targets ? takeRows(targets, samples) : undefined;

  /** What the attack sees of rows: a refused one is taken for its true class. */
  const seen = (answers: Answers, samples: readonly number[]) => {
    const logits = meaning.view(answers.logits, targetsOf(samples));
    const predicted = argmaxRows(logits);
    if (!y || !mayRefuse(detectors)) return { logits, predicted };
    const truth = samples.map((i) => y[i]!);
    const refused = rejections(detectors, answers.scores, samples.length);
    return {
      logits: asAttacked({ ...answers, logits }, detectors, truth),
      predicted: predicted.map((p, i) => (refused[i] ? (truth[i] ?? p) : p)),
    };
  };
  /** The same where heads stand beside: a row is wrong only when all of them are. */
  const inAll = (
    predicted: Int32Array,
    samples: readonly number[],
    standing: readonly boolean[],
  ) => predicted.map((p, i) => (standing[i] ? (y?.[samples[i]!] ?? p) : p));

  /** Asks about rows without a gradient. */
  const ask = async (rows: X, samples: readonly number[]) => {
    book.spend("forward", samples);
    const draws = drawsOf(samples);
    const own = seen(await model.answers(rows, draws), samples);
    const at = { x: rows as FloatTensor, samples, draws };
    const standing = await standsBeside(beside, at);
    const predicted = inAll(own.predicted, samples, standing);
    book.judge(rows, samples, predicted);
    return { logits: own.logits, predicted };
  };

  const notFinite = new Set<number>();
  const masked = (answer: LossGradient, samples: readonly number[]) => {
    for (const row of answer.notFinite) notFinite.add(samples[row]!);
  };

  const handle = (access: Access): Target<X> => ({
    access,
    within(less) {
      for (const what of allowed[less]) require(access, what);
      return handle(less);
    },
    classes: meaning.classes,
    open: (queries = 1) => book.open(queries),
    affords: book.affords,
    async predict(rows, samples) {
      require(access, "predict");
      return (await ask(rows, samples)).predicted;
    },
    async scores(rows, samples) {
      require(access, "scores");
      return (await ask(rows, samples)).logits;
    },
    async lossGradient(rows, samples, { labels, loss, aims } = {}) {
      require(access, "lossGradient");
      if (!model.lossGradient || Array.isArray(rows)) throw withoutGradient();
      const truth = samples.map((i) => y?.[i] ?? 0);
      const name = loss ?? "cross-entropy";
      // Towards another class, or past a detector, there is nothing but
      // the cross-entropy.
      const isOwn =
        name === "cross-entropy" && !labels && !mayRefuse(detectors);
      const draws = drawsOf(samples);
      const x = rows as FloatTensor;
      const own = await model.lossGradient(
        x,
        labels ?? truth,
        {
          loss: isOwn ? meaning.loss : name,
          aims,
          targets: targetsOf(samples),
          truth,
        },
        draws,
      );
      // Where there is no gradient nothing was asked.
      book.spend("gradient", samples);
      const { answer, standing } = await withBeside(
        beside,
        own,
        { x, samples, draws },
        isOwn ? undefined : name,
        labels !== undefined || aims !== undefined,
      );
      const { logits, predicted } = seen(own, samples);
      book.judge(rows, samples, inAll(predicted, samples, standing));
      masked(answer, samples);
      if (!labels && !aims) book.trace(name, samples, answer.loss);
      return { ...answer, logits };
    },
    async featuresAt(place) {
      require(access, "featuresAt");
      if (!model.featuresAt) throw withoutGradient();
      const part = await model.featuresAt(place);
      return grantFeatures(part, { spend: book.spend, drawsOf, masked });
    },
    examples: book.examples,
    distances: book.distances,
    get base() {
      require(access, "base");
      if (surrogate) return surrogate;
      throw new AssayError(
        "NO_BASE",
        "the attack needs the public base, the suite names none",
        "Add a base to the suite, or remove the attack.",
      );
    },
    get queries() {
      const { gradient = 0, forward = 0 } = surrogate?.queries ?? {};
      return { ...book.queries, base: gradient + forward };
    },
    brokenAt: book.brokenAt,
    losses: book.losses,
    get notFinite() {
      return new Set([...notFinite, ...(surrogate?.notFinite ?? [])]);
    },
  });
  return handle(terms.access);
}

function require(access: Access, what: string): void {
  if (allowed[access].includes(what)) return;
  throw new AssayError(
    "ACCESS_DENIED",
    `the attack asked for ${what}, its access is "${access}"`,
    "Declare the access that the attack needs in its meta.",
  );
}

const withoutGradient = () =>
  new AssayError(
    "ACCESS_DENIED",
    "the attack asked for a gradient or features, which there are none of by texts",
    'Declare access "score" or "label" in its meta.',
  );
