import { hashOf, Random } from "#core";
import {
  groupHeads,
  headModel,
  layerGroups,
  type Model,
  unitOf,
  withHeads,
} from "#model";
import { jointDataset, manyTasks, placesOf } from "#tuning";
import {
  describe,
  isFollowed,
  type MemberCandidate,
  taskNamed,
} from "../suite/index.ts";
import { checkTargets, judgedOn, type PreparedData } from "../tasks/index.ts";
import {
  describeTuning,
  type FineTuning,
  planTuning,
  purposeOf,
  tuneOnce,
} from "./fine-tuning.ts";
import type { Maker } from "./maker.ts";
import type { KeyPlace, Known } from "./ready.ts";
import { trainingKey } from "./train-once.ts";
import { partsOf } from "./training-parts.ts";

/**
 * One task of a candidate of several: all are trained together on one trunk, once, and
 * kept in one file. Each is then audited as the model of its own head.
 */
export const member: Maker<MemberCandidate> = {
  outline(candidate, known, base) {
    const tuning = jointTuning(candidate, known, base);
    planTuning(tuning);
    const { headed } = tuning;
    const own = headed.heads?.find(({ name }) => name === candidate.task);
    return own ? headModel(headed, own) : headed;
  },
  rehearse(candidate, known, base) {
    planTuning(jointTuning(candidate, known, base)).rehearse();
  },
  // The file is of all tasks, and each is a model of its own.
  key: (candidate, place, base) =>
    hashOf([trunkKey(candidate, place, base), candidate.task]),
  async make(candidate, shop, base) {
    const { loaded, data } = shop;
    const { task, trunk } = candidate;
    const tuning = jointTuning(candidate, shop, base.model);
    const key = trunkKey(candidate, shop, base.key);
    const followed = isFollowed(loaded.suite, candidate);
    const made = await tuneOnce(
      { name: trunk.of, key, followed },
      tuning,
      base,
      shop,
      { head: task },
    );
    const unseen = new Set(made.unseen);
    const all = placesOf(samplesOf(trunk.tasks, data, "train"));
    const places = all[trunk.tasks.indexOf(task)] ?? [];
    return {
      ...made,
      key: member.key(candidate, shop, base.key),
      unseen: [...places.keys()].filter((i) => unseen.has(places[i]!)),
    };
  },
};

/** Hash of all that the tasks of a candidate are learned together from. */
export function trunkKey(
  candidate: MemberCandidate,
  place: KeyPlace,
  base: string,
): string {
  const { trunk, taskWeights, taskTemperature } = candidate;
  const { loaded, data } = place;
  const rowsOf = (part: "train" | "validation") =>
    samplesOf(trunk.tasks, data, part).map(({ data: own, rows }) => [
      own.fingerprint,
      rows,
    ]);
  return hashOf({
    kind: "tasks",
    base,
    tasks: trunk.tasks.map((name) => ({ name, task: taskNamed(loaded, name) })),
    weights: describe(taskWeights),
    temperature: taskTemperature,
    samples: [rowsOf("train"), rowsOf("validation")],
    ...describeTuning(candidate),
    ...trainingKey(place, data.target),
  });
}

/** The samples of each task, and which of the suite's own they are. */
const samplesOf = (
  names: readonly string[],
  data: PreparedData,
  part: "train" | "validation",
) =>
  names.map((task) => {
    const { target, rows } = judgedOn(data, task);
    return { data: target[part], rows: rows?.[part] };
  });

/** How all tasks of a candidate are learned together. */
function jointTuning(
  candidate: MemberCandidate,
  { loaded, data }: Known,
  base: Model,
): FineTuning {
  const { trunk, taskWeights, taskTemperature, cut } = candidate;
  const random = new Random(loaded.suite.seed).fork(
    purposeOf("candidate", candidate),
  );
  const tasks = trunk.tasks.map((task) => ({
    name: task,
    task: taskNamed(loaded, task),
    judged: judgedOn(data, task),
  }));
  const headed = withHeads(
    base,
    tasks.map(({ name, task, judged }) => ({
      name,
      classes: judged.target.test.classes,
      task,
      unit:
        task?.kind === "regression" && judged.target.train.targets
          ? unitOf(judged.target.train.targets)
          : undefined,
    })),
    random.fork("head"),
    cut,
  );
  const { heads = [] } = headed;
  for (const [i, head] of heads.entries()) {
    const { test } = tasks[i]!.judged.target;
    checkTargets(headModel(headed, head), test, `task "${head.name}"`);
  }
  const joint = (part: "train" | "validation") =>
    jointDataset(heads, samplesOf(trunk.tasks, data, part), data.target[part]);
  const parts = { train: joint("train"), validation: joint("validation") };
  const groups = groupHeads(
    headed,
    layerGroups(headed.graph, candidate.trainable),
  );
  return {
    candidate,
    headed,
    groups,
    ...parts,
    parts: [
      ...partsOf(candidate, base, data.target.train),
      manyTasks({
        weighting: taskWeights,
        temperature: taskTemperature,
        groups,
        train: parts.train,
      }),
    ],
    random,
  };
}
