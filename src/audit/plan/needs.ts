import { type Chosen, type Need, needsOf, UsageError } from "#core";
import type { Dataset } from "#data";
import { isPlaced, type Model, whyNoGradient } from "#model";
import { isFree } from "#tables";
import { type Candidate, MAIN, type Suite } from "../suite/index.ts";

/** Where a unit is to be used, as far as it is known by then. */
export interface Place {
  readonly suite: Pick<Suite, "base" | "unrelated" | "task" | "tasks">;
  readonly candidate?: Candidate;
  /** The candidate as it is before it is trained. */
  readonly model?: Model;
  /** The training data of its task. */
  readonly train?: Dataset;
}

/**
 * How each need is looked for; gives what is said of a unit whose need is
 * known not to be met.
 */
const looks: Readonly<
  Record<
    Need,
    (
      place: Place,
      params: Chosen["params"],
    ) => string | false | null | undefined
  >
> = {
  base: ({ suite }) => !suite.base && "needs a base, and the suite names none",
  "base data": ({ suite }) =>
    !suite.base?.pretrain &&
    "needs the data that the base was trained on, and the suite has none",
  unrelated: ({ suite }) =>
    !suite.unrelated &&
    !suite.base?.pretrain &&
    "needs a model that does not descend from the base, and there is none",
  tuning: ({ candidate }) =>
    candidate &&
    candidate.kind !== "tuned" &&
    "fine-tunes a candidate again, which takes a strategy of its own and one task",
  "one class": (place) =>
    hasTargets(place) &&
    "is about classes, and the outputs are labels or values, or classes at each position",
  "one answer": (place) =>
    hasPositions(place) &&
    "is about samples as a whole, and there is an answer at each position or step",
  samples: ({ train }, { budgets }) => {
    const most = Math.max(...(budgets as readonly number[]));
    return (
      train &&
      most > train.y.length &&
      `needs ${most} samples for its budgets, and the fine-tuning set has ${train.y.length}`
    );
  },
  images: ({ model }) =>
    model &&
    (isText(model) || model.contract.shape.length !== 3) &&
    `works on images, the samples are ${isText(model) ? "texts" : "rows"}`,
  numbers: ({ model }) =>
    model && isText(model) && "works on numbers, the samples are texts",
  dialogues: ({ train }) => {
    if (!train) return null;
    const all = train.texts?.dialogues?.each;
    if (!all) return "works on prompts with answers, which the data has not";
    return false;
  },
  "free inputs": ({ train }) =>
    train?.table &&
    !isFree(train.table) &&
    "makes inputs by their numbers alone, which the constraints of the table do not allow",
  gradient: ({ model }) => {
    const why = model && whyNoGradient(model);
    return why && `follows gradients: ${why}`;
  },
};

const isText = ({ embedding }: Model) => embedding !== undefined;

/**
 * Whether what is right of a sample is a row of labels or values, as far
 * as that is known.
 */
function hasTargets({ suite, candidate, train }: Place): boolean {
  if (train) return train.targets !== undefined;
  const kind = candidate && taskOf(suite, candidate)?.kind;
  return kind !== undefined && kind !== "classes" && kind !== "binary";
}

/** The same of positions and steps. */
const hasPositions = ({ suite, candidate, train }: Place): boolean =>
  train
    ? train.positions !== undefined
    : candidate !== undefined && isPlaced(taskOf(suite, candidate));

const taskOf = (suite: Place["suite"], { task: name }: Candidate) =>
  name === MAIN ? suite.task : suite.tasks[name]?.task;

/** What may be done about it, besides leaving the unit out. */
const hints: Readonly<Partial<Record<Need, string>>> = {
  base: "Add base: { model: base.onnx }, or base: { pretrain: ... }, or leave it out.",
  "base data": "Let the suite train the base (base.pretrain), or leave it out.",
  unrelated:
    "Add unrelated: { model: other.onnx }, a model of about the base's accuracy on its task, or pre-train the base.",
  samples: "Lower budgets; a number below 1 is a share of the set.",
};

/**
 * The first need of a unit that is not met at a place, and what to do; null where all
 * are, as far as is known.
 */
export function lackOf(
  chosen: Chosen,
  place: Place,
): { readonly what: string; readonly hint: string } | null {
  for (const need of needsOf(chosen)) {
    const what = looks[need](place, chosen.params);
    if (what) return { what, hint: hints[need] ?? "Leave it out." };
  }
  return null;
}

/** Refuses a unit that needs what is known not to be there. */
export function checkNeeds(chosen: Chosen, place: Place): void {
  const lack = lackOf(chosen, place);
  if (lack)
    throw new UsageError(
      "NEED_NOT_MET",
      `${chosen.unit.id} ${lack.what}`,
      lack.hint,
    );
}
