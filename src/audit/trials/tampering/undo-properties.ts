import type { Backdoor, Undoing } from "#attacks";
import type { Chosen } from "#core";
import { type Dataset, dataset, labelOf, takeSamples } from "#data";
import { type CompiledModel, compile, type Model } from "#model";
import { type FloatTensor, takeRows, withRows } from "#onnx";
import { plant, targetOf } from "../backdoor/planting.ts";
import { countsOf } from "../poisoning/poisons.ts";
import type { TrialInput } from "../trial.ts";
import {
  attackedBy,
  type Budget,
  countOf,
  inWords,
  rightOf,
} from "./robustness.ts";

/** What a tamperer wants to undo, as it can be counted. */
export interface Property {
  readonly title: string;
  /** "the robustness is undone" */
  readonly undone: string;
  /** Which way the attacker wants it. */
  readonly attacker: "up" | "down";
  /** Of how many samples. */
  readonly n: number;
  /** On how many of them it holds. */
  count(model: CompiledModel): Promise<number>;
  /** The share at which it is undone, from that of the released model. */
  goal(start: number): number;
  /** The model that it is undone in; the released one when left out. */
  readonly start?: Model;
  /** What the attacker trains on. */
  readonly data: Dataset;
  /**
   * A model that never had what was done to it, and how it is called: the same training
   * of it is the control.
   */
  readonly control?: Model;
  readonly controlTitle?: string;
  readonly notes: readonly string[];
}

/** A tampering that undoes, as it is tried. */
export type Undo = TrialInput<Undoing, ReturnType<Undoing["params"]["parse"]>>;

export function openProperty(input: Undo): Promise<Property> {
  const { undo } = input.params;
  if (undo.what === "robustness") return robustness(input, undo);
  return undo.what === "class"
    ? unlearnt(input, undo.class)
    : asleep(input, undo.backdoor);
}

async function robustness(
  { victim, params, random }: Undo,
  budget: Budget,
): Promise<Property> {
  const { attacked } = victim;
  return {
    title: "Robust accuracy",
    undone: `${shareText(params.share)} of the robustness is gone`,
    attacker: "down",
    n: attacked.y.length,
    async count(model) {
      const draws = random.fork("examples");
      return countOf((await attackedBy(model, attacked, budget, draws)).robust);
    },
    goal: (start) => (1 - params.share) * start,
    data: victim.data.train,
    notes: [`robust accuracy: ${inWords(attacked, budget)}`],
  };
}

const shareText = (share: number): string =>
  share === 0.5 ? "half" : `${Math.round(100 * share)} %`;

/**
 * A class that a repair made the model forget. Its accuracy on that class before
 * is the whole way.
 */
async function unlearnt(
  { victim, surrogate, params, engine }: Undo,
  name: string,
): Promise<Property> {
  const { train, test } = victim.data;
  const label = labelOf(name, train);
  const rows = (data: Dataset, keep: boolean) =>
    takeSamples(
      data,
      [...data.y.keys()].filter((i) => (data.y[i] === label) === keep),
    );
  const own = rows(test, true);
  const count = async (model: CompiledModel) =>
    countOf(await rightOf(model, own));
  const before = await compile(await surrogate({}), engine);
  const known = (await count(before)) / own.y.length;
  await before.release();
  return {
    title: `Accuracy on class ${name}`,
    undone: `${shareText(params.share)} of class ${name} is back`,
    attacker: "up",
    n: own.y.length,
    count,
    goal: () => params.share * known,
    // The tamperer has a few samples of every class, that one among them.
    data: train,
    control: victim.tunable
      ? await surrogate({ train: rows(train, false) })
      : undefined,
    controlTitle: "of a model that never learnt it",
    notes: [
      `accuracy on class ${name} before it was unlearnt: ${Math.round(100 * known)} %`,
      ...(victim.tunable
        ? []
        : [
            `no model that never learnt it stands beside it: the candidate cannot be tuned again`,
          ]),
    ],
  };
}

/**
 * A backdoor that was planted before the repair; how often its trigger still worked
 * without the repair is the whole way.
 */
async function asleep(
  input: Undo,
  chosen: Chosen<Backdoor>,
): Promise<Property> {
  const { victim, surrogate, params, engine } = input;
  const { train, test, validation } = victim.data;
  const planting = chosen.params as { target?: string; budgets: number[] };
  const target = targetOf(planting.target, train);
  const count = countsOf(planting.budgets, train.y.length).at(-1) as number;
  const planted = await plant(input, chosen, count, target);
  const others = [...test.y.keys()].filter((i) => test.y[i] !== target);
  const marked = planted.trigger(takeRows(test.x, others));
  const n = marked.dims[0] ?? 0;
  const y = new Int32Array(n).fill(target);
  const fooled = async (model: CompiledModel) =>
    countOf(await rightOf(model, { x: marked, y }));
  const awake = await compile(await surrogate(planted.changes), engine);
  const before = (await fooled(awake)) / n;
  await awake.release();
  return {
    title: "Success of the trigger",
    undone: "the trigger works again",
    attacker: "up",
    n,
    count: fooled,
    goal: () => params.share * before,
    start: await victim.tune(planted.changes),
    data: halfMarked(validation, planted.trigger, target),
    control: victim.model,
    controlTitle: "of a model that never had it",
    notes: [
      `success of the trigger before the repair: ${Math.round(100 * before)} %`,
    ],
  };
}

/** Samples of which every other one carries the trigger and the label of its target. */
function halfMarked(
  data: Dataset,
  trigger: (x: FloatTensor) => FloatTensor,
  target: number,
): Dataset {
  const odd = [...data.y.keys()].filter((i) => i % 2 === 1);
  const marked = { rows: odd, x: trigger(takeRows(data.x, odd)) };
  const x = withRows(data.x, [marked]);
  const y = data.y.map((label, i) => (i % 2 === 1 ? target : label));
  return dataset(data.name, x, y, data.classes);
}
