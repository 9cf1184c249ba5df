import { hashOf, Random } from "#core";
import {
  groupHeads,
  headModel,
  layerGroups,
  type Model,
  withHeads,
} from "#model";
import { jointDataset, manyTasks, placesOf } from "#tuning";
import { describe, isFollowed, taskNamed } from "../suite/index.ts";
import { checkTargets, judgedOn, type PreparedData } from "../tasks/index.ts";
import { tell } from "./accuracy.ts";
import {
  describeTuning,
  type FineTuning,
  keepTuned,
  purposeOf,
} from "./fine-tuning.ts";
import { trainingKey } from "./keep.ts";
import type { Known, ReadyModel, Workshop } from "./ready.ts";
import { partsOf } from "./training-parts.ts";

/**
 * One task of a candidate of several: all are trained together on one trunk, once,
 * and kept in one file; each is then audited as the model of its own head.
 */
export async function makeMember(
  id: string,
  shop: Workshop,
  base: ReadyModel | null,
): Promise<ReadyModel> {
  const { loaded, data } = shop;
  const spec = loaded.suite.candidates[id]!;
  const { member, tasks: names = [] } = spec;
  if (!base || !member)
    throw new Error("a candidate of tasks has a base; the schema says so");
  const tuning = jointTuning(id, shop, base.model);
  const key = hashOf({
    kind: "tasks",
    base: base.hash,
    tasks: names.map((name) => ({ name, task: taskNamed(loaded, name) })),
    weights: describe(spec.taskWeights),
    temperature: spec.taskTemperature,
    ...describeTuning(spec),
    ...trainingKey(shop, tuning),
  });
  const { reused, ...made } = await keepTuned(
    { id, name: member.of, key, followed: isFollowed(loaded.suite, id) },
    tuning,
    base,
    shop,
    { head: member.task },
  );
  const { target } = judgedOn(data, member);
  await tell(shop, id, made.model, target, reused);
  const unseen = new Set(made.unseen);
  const places =
    placesOf(samplesOf(names, data, "train"))[names.indexOf(member.task)] ?? [];
  return {
    ...made,
    unseen: [...places.keys()].filter((i) => unseen.has(places[i]!)),
  };
}

/** The samples of each task, and which of the suite's own they are. */
const samplesOf = (
  names: readonly string[],
  data: PreparedData,
  part: "train" | "validation",
) =>
  names.map((task) => {
    const { target, rows } = judgedOn(data, { of: task, task });
    return { data: target[part], ...(rows ? { rows: rows[part] } : {}) };
  });

/** How all tasks of a candidate are learned together. */
export function jointTuning(
  id: string,
  { loaded, data }: Known,
  base: Model,
): FineTuning {
  const spec = loaded.suite.candidates[id]!;
  const { tasks: names = [], taskWeights, taskTemperature, cut } = spec;
  const random = new Random(loaded.suite.seed).fork(purposeOf(spec));
  const tasks = names.map((task) => ({
    name: task,
    task: taskNamed(loaded, task),
    judged: judgedOn(data, { of: id, task }),
  }));
  const headed = withHeads(
    base,
    tasks.map(({ name, task, judged }) => ({
      name,
      classes: judged.target.test.classes,
      ...(task ? { task } : {}),
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
    jointDataset(heads, samplesOf(names, data, part), data.target[part]);
  const parts = { train: joint("train"), validation: joint("validation") };
  const groups = groupHeads(headed, layerGroups(headed.graph, spec.trainable));
  return {
    spec,
    headed,
    groups,
    ...parts,
    parts: [
      ...partsOf(spec, base, data.target.train),
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
