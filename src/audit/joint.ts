import { hashOf, packageVersion, Random } from "#core";
import {
  groupHeads,
  headModel,
  layerGroups,
  type Model,
  withHeads,
} from "#model";
import { hashModel } from "#onnx";
import { formOf, jointDataset, manyTasks, tune } from "#tuning";
import {
  describe,
  describeSettings,
  epochTeller,
  keep,
  type ReadyModel,
  tell,
  trainingKey,
  type Workshop,
} from "./models.ts";
import { checkTargets } from "./prepare.ts";
import type { Lineage } from "./results.ts";
import type { Suite } from "./suite.ts";
import { judgedOn, taskNamed } from "./tasks.ts";
import { partsOf, trainingOf } from "./training-parts.ts";

/**
 * One task of a candidate of several: all are trained together on one trunk, once,
 * and kept in one file; each is then audited as the model of its own head.
 */
export async function makeMember(
  id: string,
  shop: Workshop,
  base: ReadyModel | null,
): Promise<ReadyModel> {
  const { loaded, data, store, engine, signal } = shop;
  const { suite } = loaded;
  const spec = suite.candidates[id] as Suite["candidates"][string];
  const { strategy, regularizer, trainable, cut, replica, member } = spec;
  const { taskWeights, taskTemperature, tasks: names = [] } = spec;
  if (!base || !strategy || !member)
    throw new Error("a candidate of tasks has a base and a strategy");
  const settings = trainingOf(spec);
  const random = new Random(suite.seed).fork(
    replica && replica.index > 1 ? `candidate ${replica.index}` : "candidate",
  );
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
  const joint = (part: "train" | "validation") =>
    jointDataset(
      heads,
      tasks.map(({ judged: { target, rows } }) => ({
        data: target[part],
        ...(rows ? { rows: rows[part] } : {}),
      })),
      data.target[part],
    );
  const parts = { train: joint("train"), validation: joint("validation") };
  const key = hashOf({
    kind: "tasks",
    base: base.hash,
    strategy: describe(strategy),
    regularizer: regularizer && describe(regularizer),
    trainable,
    cut,
    replica: replica?.index ?? 1,
    tasks: tasks.map(({ name, task }) => ({ name, task })),
    weights: describe(taskWeights),
    temperature: taskTemperature,
    settings: describeSettings(settings),
    ...trainingKey(shop, parts),
  });
  const file = `models/${member.of}-${key.slice(0, 12)}.onnx`;
  const form = formOf(
    strategy,
    headed,
    groupHeads(headed, layerGroups(headed.graph, trainable)),
    random.fork("form"),
  );
  const { groups } = form;
  const stages = strategy.unit.stages(groups, settings.epochs, strategy.params);
  const trained = new Set(stages.flatMap((s) => [...s.rates.keys()]));
  const lineage: Lineage = {
    baseHash: base.hash,
    dataHash: parts.train.fingerprint,
    strategy: strategy.unit.id,
    seed: suite.seed,
    assayVersion: packageVersion(),
  };
  const train = async () => {
    const tuned = await tune({
      model: form.model,
      ...parts,
      groups,
      stages,
      settings,
      parts: [
        ...partsOf(spec, base.model, data.target.train),
        manyTasks({
          weighting: taskWeights,
          temperature: taskTemperature,
          groups,
          train: parts.train,
        }),
      ],
      engine,
      random,
      signal,
      onEpoch: epochTeller(shop, member.of),
    });
    const model: Model = form.restore(tuned.model, tuned.probed);
    return { model, training: tuned };
  };
  const stated = { head: member.task };
  const made = await keep(shop, file, lineage, train, stated);
  const { target } = judgedOn(data, member);
  await tell(shop, id, made.model, target, made.reused);
  return {
    id,
    file,
    stated,
    trainableParameters: groups
      .filter((g) => trained.has(g.name))
      .reduce((sum, g) => sum + g.size, 0),
    ...made,
    hash: hashModel(store.path(file)),
  };
}
