import { takeSamples } from "#data";
import { loadModel } from "#model";
import { hashModel } from "#onnx";
import type { Epoch } from "#tuning";
import {
  type Attacking,
  type Bench,
  computeCell,
  release,
} from "../attacking/index.ts";
import type { Followed } from "../judging/index.ts";
import { epochFile, type ReadyModel, type Workshop } from "../models/index.ts";
import type { Plan, PlannedCell } from "../plan/index.ts";
import { evenly } from "../tasks/index.ts";

/**
 * Clean and robust accuracy after the epochs of each fine-tuning, against one attack on
 * some of the attacked samples. The weights after every epoch were kept as it was
 * trained. Each is attacked as a cell, which is kept and resumed like any other.
 */
export async function attackEpochs(
  plan: Plan["alongTraining"],
  { models, benchOf }: Attacking,
  { loaded, onEvent }: Workshop,
): Promise<Followed[]> {
  const { trajectory } = loaded.suite;
  if (!trajectory || plan.length === 0) return [];
  onEvent({ kind: "phase", title: "Attacking along the trainings" });
  const { attack, threatModel, samples, every } = trajectory;
  const found: Followed[] = [];
  for (const { cell: planned } of plan) {
    const ready = models.get(planned.candidate) as ReadyModel;
    const bench = benchOf(ready.id);
    const data = takeSamples(bench.data, evenly(bench.data, samples));
    const points: Followed["points"][number][] = [];
    for (const line of chosenEpochs(ready.history, every))
      points.push(await attackedAt(line, ready, planned, { ...bench, data }));
    found.push({
      candidate: ready.id,
      attack,
      threatModel,
      points,
      note:
        points.length === 0
          ? `nothing is trained in epochs: ${ready.ended}, set at once`
          : undefined,
    });
  }
  return found;
}

/**
 * Every so many epochs, the last before other layers are trained, the one that was
 * kept, and the last of all.
 */
export function chosenEpochs(
  history: readonly Epoch[],
  every: number,
): Epoch[] {
  return history.filter(
    (line, i) =>
      line.epoch % every === 0 ||
      line.best ||
      line.stage !== history[i + 1]?.stage,
  );
}

async function attackedAt(
  line: Epoch,
  ready: ReadyModel,
  planned: PlannedCell,
  bench: Bench,
): Promise<Followed["points"][number]> {
  const { epoch, stage, trainable, best } = line;
  const file = epochFile(ready.file, epoch);
  const path = bench.store.path(file);
  const { cell, evidence } = await computeCell(
    { ...planned, id: `${planned.id} after epoch ${epoch}`, probed: false },
    {
      ...ready,
      model: await loadModel(path, ready.stated),
      file,
      hash: hashModel(path),
    },
    bench,
  );
  await release(bench);
  return {
    epoch,
    stage,
    trainable: [...trainable],
    best,
    cleanAccuracy: cell.cleanAccuracy,
    robustAccuracy: cell.robustAccuracy,
    evidence,
  };
}
