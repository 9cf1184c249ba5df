import { hashOf, Random } from "#core";
import { groupHeads, headModel, layerGroups, withHeads } from "#model";
import { jointDataset, manyTasks, placesOf } from "#tuning";
import { isFollowed } from "./epochs.ts";
import { describeTuning, keepTuned, purposeOf } from "./fine-tuning.ts";
import {
  describe,
  type ReadyModel,
  tell,
  trainingKey,
  type Workshop,
} from "./models.ts";
import { checkTargets } from "./prepare.ts";
import type { CandidateSpec } from "./suite.ts";
import { judgedOn, taskNamed } from "./tasks.ts";
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
  const { suite } = loaded;
  const spec = suite.candidates[id] as CandidateSpec;
  const { member, cut } = spec;
  const { taskWeights, taskTemperature, tasks: names = [] } = spec;
  if (!base || !member)
    throw new Error("a candidate of tasks has a base; the schema says so");
  const random = new Random(suite.seed).fork(purposeOf(spec));
  const tasks = names.map((task) => ({
    name: task,
    task: taskNamed(loaded, task),
    judged: judgedOn(data, { of: member.of, task }),
  }));
  const headed = withHeads(
    base.model,
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
    const { test } = (tasks[i] as (typeof tasks)[number]).judged.target;
    checkTargets(headModel(headed, head), test, `task "${head.name}"`);
  }
  const samplesOf = (part: "train" | "validation") =>
    tasks.map(({ judged: { target, rows } }) => ({
      data: target[part],
      ...(rows ? { rows: rows[part] } : {}),
    }));
  const joint = (part: "train" | "validation") =>
    jointDataset(heads, samplesOf(part), data.target[part]);
  const parts = { train: joint("train"), validation: joint("validation") };
  const key = hashOf({
    kind: "tasks",
    base: base.hash,
    tasks: tasks.map(({ name, task }) => ({ name, task })),
    weights: describe(taskWeights),
    temperature: taskTemperature,
    ...describeTuning(spec),
    ...trainingKey(shop, parts),
  });
  const groups = groupHeads(headed, layerGroups(headed.graph, spec.trainable));
  const { reused, ...made } = await keepTuned(
    { id, name: member.of, key, followed: isFollowed(suite, id) },
    {
      spec,
      headed,
      groups,
      ...parts,
      parts: [
        ...partsOf(spec, base.model, data.target.train),
        manyTasks({
          weighting: taskWeights,
          temperature: taskTemperature,
          groups,
          train: parts.train,
        }),
      ],
      random,
    },
    base,
    shop,
    { head: member.task },
  );
  const { target } = judgedOn(data, member);
  await tell(shop, id, made.model, target, reused);
  const unseen = new Set(made.unseen);
  const places = placesOf(samplesOf("train"))[names.indexOf(member.task)] ?? [];
  return {
    ...made,
    unseen: [...places.keys()].filter((i) => unseen.has(places[i] as number)),
  };
}
