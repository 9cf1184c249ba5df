import {
  type AnyAttack,
  type Attack,
  attacks,
  type TextAttack,
  textAttacks,
} from "#attacks";
import { type AloneCell, type AuditEvent, lackOf, openAlone } from "#audit";
import { AssayError, type Chosen, needsOf } from "#core";
import { type Dataset, heldSamples } from "#data";
import type { Model, Queries } from "#model";
import type { FloatTensor } from "#onnx";
import { type Fate, fatesOf, type Norm, type Rate } from "#results";
import { type Choice, chosenOf } from "./choice.ts";
import { type Opened, type OpenModel, whileOpen } from "./open.ts";
import { type Samples, samplesFor } from "./samples.ts";

/** What an attack is run with. */
export interface AttackOptions {
  /** A name, an attack of one's own, or `{ id, ...parameters }`. */
  readonly attack: Choice<Attack> | Choice<TextAttack>;
  /** How a change is measured; "none" leaves its size to the attack. */
  readonly norm: Norm;
  /** Most queries of each sample; no limit when left out. */
  readonly queries?: number;
  /** Whole, from 0; 0 when left out. */
  readonly seed?: number;
  /** The public base, for attacks of access "base". */
  readonly base?: Model;
  /** Further samples that the attacker has, for mimic and pap. */
  readonly others?: Dataset | Samples;
  /** Ends the attack between two steps, by an InterruptedError. */
  readonly signal?: AbortSignal;
  /** Told the share of the work that is done, in [0, 1]. */
  readonly onProgress?: (share: number) => void;
}

/** What an attack did. */
export interface AttackResult {
  readonly eps: number;
  /**
   * One example of each sample, [N, ...shape] or texts; the sample itself where it was
   * wrong without an attack.
   */
  readonly examples: FloatTensor | readonly string[];
  /** Whether the attack made each sample wrong that was right, [N]. */
  readonly broken: readonly boolean[];
  /** "robust", "broken", or "wrong" without an attack, [N]. */
  readonly outcomes: readonly Fate[];
  /** How far each example is from its sample, in the norm, [N]. */
  readonly distances: readonly number[];
  /** Rows that the attack asked the model about, and the base. */
  readonly queries: Queries;
  /** The share that is right without an attack, with its 95 % interval. */
  readonly cleanAccuracy: Rate;
  /** The share that is right and stays so, with its 95 % interval. */
  readonly robustAccuracy: Rate;
  /** What the attack did otherwise than its paper says, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Attacks a model. What is wrong already is not attacked. The result is, byte for byte,
 * that of a cell of a suite with the same samples, attack, budget and seed; only what a
 * model draws at random is another draw.
 *
 * @param model one that is open already is not opened again, and stays open
 * @param data a dataset, whose numbers are in [0, 1], or arrays in the unit of the
 *   model's input bounds
 * @param options `eps` is in the unit of the input bounds, a count of numbers for
 *   "l0" and of characters for "edits", and left out where the norm is "none"; a list
 *   gives a list of results in its order
 * @throws ATTACK_NORM for a norm that the attack does not know; ARGUMENT_INVALID for an
 *   unknown attack or parameter, or an eps below 0; NEED_NOT_MET; INPUT_SHAPE,
 *   INPUT_VALUE, INPUT_LABEL; INTERRUPTED
 * @example
 * ```ts
 * import { attack, loadData, loadModel, splitData } from "assay";
 *
 * const { test } = splitData(await loadData({ source: "digits" }));
 * const results = await attack(await loadModel("digits.onnx"), test, {
 *   attack: { id: "pgd", steps: 10 },
 *   norm: "linf",
 *   eps: [0.05, 0.1],
 * });
 * for (const { eps, robustAccuracy } of results)
 *   console.log(eps, robustAccuracy.value, robustAccuracy.low, robustAccuracy.high);
 * ```
 */
export function attack(
  model: Model | OpenModel,
  data: Dataset | Samples,
  options: AttackOptions & { readonly eps?: number },
): Promise<AttackResult>;
export function attack(
  model: Model | OpenModel,
  data: Dataset | Samples,
  options: AttackOptions & { readonly eps: readonly number[] },
): Promise<AttackResult[]>;
export async function attack(
  model: Model | OpenModel,
  data: Dataset | Samples,
  options: AttackOptions & { readonly eps?: number | readonly number[] },
): Promise<AttackResult | AttackResult[]> {
  const { eps } = options;
  const list = Array.isArray(eps);
  const budgets = [eps].flat() as readonly (number | undefined)[];
  const results = await attackWith(model, data, options, budgets, async (c) =>
    resultOf(c),
  );
  return list ? results : (results[0] as AttackResult);
}

/**
 * Runs an attack at each budget.
 *
 * @param tell what is told of what it did, while the model is open
 */
export function attackWith<T>(
  model: Model | OpenModel,
  data: Dataset | Samples,
  options: AttackOptions,
  budgets: readonly (number | undefined)[],
  tell: (found: AloneCell, bench: ReturnType<typeof openAlone>) => Promise<T>,
): Promise<T[]> {
  const { norm, queries = null, seed = 0, base, others, signal } = options;
  const chosen = chosenOf<AnyAttack>(options.attack, "attack", all);
  requireNorm(chosen, norm);
  requireWhole("queries", queries ?? 1, 1);
  requireWhole("seed", seed, 0);
  const wanted = budgets.map((eps) => ({
    chosen,
    norm,
    eps: epsOf(eps, norm),
    queries,
  }));
  return whileOpen(model, async (opened) => {
    const { engine, compiled } = opened;
    const samples = heldSamples(samplesFor(data, opened.model));
    requireNeeds(chosen, opened, samples, base);
    const run = { at: 0 };
    const bench = openAlone({
      model: opened.model,
      data: samples,
      base,
      others: others && samplesFor(others, opened.model),
      open: compiled,
      seed,
      engine,
      signal,
      onEvent: (event) => tellProgress(event, run.at, wanted.length, options),
    });
    try {
      const told: T[] = [];
      for (const [at, one] of wanted.entries()) {
        run.at = at;
        told.push(await tell(await bench.attack(one), bench));
        options.onProgress?.((at + 1) / wanted.length);
      }
      return told;
    } finally {
      await bench.release();
    }
  });
}

/** What an attack did, as the library tells it. */
export function resultOf({ cell, made, distances }: AloneCell): AttackResult {
  const outcomes = fatesOf(cell.outcomes);
  const { noGradient } = cell;
  return {
    eps: cell.threatModel.eps,
    examples: made.examples,
    broken: outcomes.map((fate) => fate === "broken"),
    outcomes,
    distances: Array.from(distances),
    queries: cell.queries,
    cleanAccuracy: cell.cleanAccuracy,
    robustAccuracy: cell.robustAccuracy,
    notes: [
      ...(noGradient ? [`There is no gradient to follow: ${noGradient}.`] : []),
      ...made.notes.map((note) => `The attack ${note}.`),
    ],
  };
}

const all: readonly AnyAttack[] = [...attacks, ...textAttacks];

function requireNorm({ unit }: Chosen<AnyAttack>, norm: Norm): void {
  const known: readonly Norm[] = unit.norms;
  if (known.includes(norm)) return;
  throw new AssayError(
    "ATTACK_NORM",
    `${unit.id} knows the norm ${known.join(", ")}, not "${norm}"`,
    "Choose another norm or another attack; `assay list attacks` shows all.",
  );
}

function requireWhole(what: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new AssayError(
    "ARGUMENT_INVALID",
    `${what}: found ${value}, expected a whole number from ${least}`,
    `Correct ${what}.`,
  );
}

function epsOf(eps: number | undefined, norm: Norm): number {
  const isFree = norm === "none";
  if (isFree && eps === undefined) return 0;
  if (!isFree && eps !== undefined && Number.isFinite(eps) && eps >= 0)
    return eps;
  throw new AssayError(
    "ARGUMENT_INVALID",
    `eps: found ${eps}, expected ${isFree ? 'none where the norm is "none"' : "a finite number from 0"}`,
    "Correct eps.",
  );
}

/** Refuses an attack that lacks what it needs. */
function requireNeeds(
  chosen: Chosen<AnyAttack>,
  { model }: Opened,
  data: Dataset,
  base: Model | undefined,
): void {
  const needs = needsOf(chosen);
  const refuse = (what: string, hint: string) => {
    throw new AssayError("NEED_NOT_MET", `${chosen.unit.id} ${what}`, hint);
  };
  if (needs.includes("unrelated") || needs.includes("base data"))
    refuse(
      "goes through a model that a suite trains",
      "Run it by a suite: runSuite.",
    );
  if (!base && (needs.includes("base") || chosen.unit.access === "base"))
    refuse(
      "goes through the public base, and none was given",
      "Pass it: base: await loadModel(path).",
    );
  const isText = chosen.unit.kind === "text";
  if (isText !== (data.texts !== undefined) && isText)
    refuse(
      "works on texts, the samples are numbers",
      'Read them by loadData({ source: "text", ... }), or choose another attack.',
    );
  if (!isText && data.texts)
    refuse(
      "works on numbers, the samples are texts",
      "Choose an attack of norm edits.",
    );
  const suite = { base: base && {}, unrelated: undefined, tasks: {} };
  const lack = lackOf(chosen, { suite, model, train: data });
  if (lack) refuse(lack.what, lack.hint);
}

function tellProgress(
  event: AuditEvent,
  at: number,
  count: number,
  { onProgress }: AttackOptions,
): void {
  if (event.kind === "progress") onProgress?.((at + event.share) / count);
}
