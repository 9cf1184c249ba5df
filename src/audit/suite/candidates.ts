import type { z } from "zod";
import type { Chosen } from "#core";
import type {
  Adaptation,
  JointAdaptation,
  SourceFreeAdaptation,
  Strategy,
  TrainingDefense,
  TrainingSettings,
} from "#tuning";
import { BASE, type candidateSchemaOf } from "./models.ts";
import { MAIN } from "./tasks.ts";

type Written = z.output<ReturnType<typeof candidateSchemaOf>>;

/** Which of several trainings of one candidate this is, counted from 1. */
export interface Replica {
  readonly of: string;
  readonly index: number;
}

/** The candidate of several tasks that an audited one is a head of. */
export interface Trunk {
  readonly of: string;
  readonly tasks: readonly string[];
}

/** What the suite says of every candidate, however it comes to be. */
interface Audited {
  readonly id: string;
  /** What it is judged on: the suite's own task, or one of those of its trunk. */
  readonly task: string;
  readonly trunk: Trunk | null;
  readonly replica: Replica | null;
  /** Whose labels it learns, and by what; of a file, as it was elsewhere. */
  readonly labels: Written["labels"];
  readonly training: readonly Chosen<TrainingDefense>[];
  readonly adaptation?: Chosen<Adaptation>;
}

/** Read from its file, of which it may be one head. */
export interface GivenCandidate
  extends Audited,
    Pick<Written, "weights" | "input" | "output" | "classes"> {
  readonly kind: "given";
  readonly model: string;
}

/** The base as it is. */
export interface BaseCandidate extends Audited {
  readonly kind: "base";
}

/** How a model is fine-tuned from the base. */
interface Tuning
  extends Audited,
    Pick<Written, "regularizer" | "cut" | "trainable"> {
  readonly strategy: Chosen<Strategy>;
  readonly settings: TrainingSettings;
}

/** Fine-tuned with one new head. */
export interface TunedCandidate extends Tuning {
  readonly kind: "tuned";
  readonly adaptation?: Chosen<JointAdaptation>;
}

/** The base, adapted to the target domain without data of its own. */
export interface AdaptedCandidate extends Audited {
  readonly kind: "adapted";
  readonly adaptation: Chosen<SourceFreeAdaptation>;
}

/** One of several tasks that are learned together on one trunk. */
export interface MemberCandidate
  extends Tuning,
    Pick<Written, "taskWeights" | "taskTemperature"> {
  readonly kind: "member";
  readonly trunk: Trunk;
  readonly adaptation?: undefined;
}

/** A candidate as it is audited, by how it comes to be. */
export type Candidate =
  | GivenCandidate
  | BaseCandidate
  | TunedCandidate
  | AdaptedCandidate
  | MemberCandidate;

/** What is written of a candidate, for one of its tasks. */
interface Head extends Pick<Audited, "id" | "task" | "trunk"> {
  readonly spec: Written;
}

/**
 * Candidates as they are audited, one for each task and each training seed: "multi" of
 * main and parity becomes "multi.main" and "multi.parity", and "full" with three seeds
 * "full.1" to "full.3". The first of several is what it would be with one seed.
 */
export function auditedCandidates(
  written: Readonly<Record<string, Written>>,
  context: z.RefinementCtx,
): Record<string, Candidate> {
  const refuseTaken = (id: string, names: ReadonlySet<string>, whose: string) =>
    names.has(id) &&
    context.addIssue({
      code: "custom",
      path: [id],
      message: `is also the name of ${whose}`,
    });
  const names = new Set(Object.keys(written));
  const heads = Object.entries(written).flatMap(([of, spec]): Head[] => {
    const { tasks } = spec;
    if (!tasks) return [{ id: of, task: MAIN, trunk: null, spec }];
    return tasks.map((task) => {
      const id = `${of}.${task}`;
      refuseTaken(id, names, `task "${task}" of "${of}"`);
      return { id, task, trunk: { of, tasks }, spec };
    });
  });
  const taken = new Set(heads.map(({ id }) => id));
  const all = heads.flatMap((head): Candidate[] => {
    const { id: of, spec } = head;
    if (spec.seeds === 1) return [byKind({ ...head, replica: null })];
    return Array.from({ length: spec.seeds }, (_, i) => {
      const index = i + 1;
      const id = `${of}.${index}`;
      refuseTaken(id, taken, `seed ${index} of "${of}"`);
      return byKind({ ...head, id, replica: { of, index } });
    });
  });
  return Object.fromEntries(all.map((one) => [one.id, one]));
}

/** A candidate with what its kind has. The schema has seen that it is of one. */
function byKind({
  spec,
  ...named
}: Head & Pick<Audited, "replica">): Candidate {
  const {
    model,
    weights,
    input,
    output,
    classes,
    strategy,
    regularizer,
    cut,
    adaptation,
    labels,
    training = [],
    tasks,
    taskWeights,
    taskTemperature,
    seeds,
    trainable,
    ...settings
  } = spec;
  const audited = { ...named, labels, training };
  const { unit, params = {} } = adaptation ?? {};
  if (unit?.kind === "source-free")
    return { ...audited, kind: "adapted", adaptation: { unit, params } };
  const joint = unit && { unit, params };
  if (model === BASE) return { ...audited, kind: "base", adaptation: joint };
  if (model !== undefined)
    return {
      ...audited,
      kind: "given",
      model,
      weights,
      input,
      output,
      classes,
      adaptation: joint,
    };
  if (!strategy)
    throw new Error("what is tuned has a strategy; the schema says so");
  const tuning = {
    ...audited,
    strategy,
    regularizer,
    cut,
    trainable,
    settings,
  };
  const { trunk } = named;
  return trunk
    ? { ...tuning, kind: "member", trunk, taskWeights, taskTemperature }
    : { ...tuning, kind: "tuned", adaptation: joint };
}
