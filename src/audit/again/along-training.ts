import { hashOf } from "#core";
import { takeSamples } from "#data";
import { loadModel } from "#model";
import { hashModel } from "#onnx";
import type { Epoch } from "#tuning";
import {
  attackOnce,
  type Bench,
  type BenchOf,
  type Subject,
  stepsOf,
  subjectOf,
  tidy,
} from "../attacking/index.ts";
import type { Followed } from "../judging/index.ts";
import { epochFile, type Look, type Workshop } from "../models/index.ts";
import type { Plan, PlannedCell } from "../plan/index.ts";
import { describe } from "../suite/index.ts";
import { evenly } from "../tasks/index.ts";
import { madeBy } from "../workplace.ts";
import { type Phase, type Yields, yields } from "../works/index.ts";

type Point = Followed["points"][number];

/**
 * Clean and robust accuracy after the epochs of each fine-tuning, against one attack on
 * some of the attacked samples. The weights after every epoch were kept as it was
 * trained. Which epochs count is known when it is trained, so there is a work for each
 * that may come to be; one that does not count finds nothing.
 */
export function attackEpochs(
  plan: Plan["alongTraining"],
  looks: ReadonlyMap<string, Yields<Look>>,
  benchOf: BenchOf,
  { loaded }: Workshop,
): Phase<Followed[]> {
  const { trajectory } = loaded.suite;
  if (!trajectory) return { works: [], found: () => [] };
  const { attack, threatModel, samples, every } = trajectory;
  const followed = plan.map(({ cell: planned, last }) => {
    const bench = benchOf(planned.candidate);
    const data = takeSamples(bench.data, evenly(bench.data, samples));
    const look = looks.get(planned.candidate)!;
    return {
      look,
      points: Array.from({ length: last }, (_, i) =>
        pointWork(planned, i + 1, every, look, { ...bench, data }),
      ),
    };
  });
  return {
    works: followed.flatMap(({ points }) => points),
    found: () =>
      followed.flatMap(({ look, points }) => {
        const { result } = look.found() ?? {};
        if (!result) return [];
        const found = points.flatMap((work) => work.found() ?? []);
        return {
          candidate: result.id,
          attack,
          threatModel,
          points: found,
          note:
            result.history.length === 0
              ? `nothing is trained in epochs: ${result.ended}, set at once`
              : undefined,
        };
      }),
  };
}

function pointWork(
  planned: PlannedCell,
  epoch: number,
  every: number,
  look: Yields<Look>,
  bench: Bench,
): Yields<Point | null> {
  const candidate = subjectOf(planned.candidate, bench);
  const id = `${planned.id} after epoch ${epoch}`;
  const { data } = bench;
  const key = hashOf({
    kind: "epoch",
    of: candidate.key,
    cell: planned.id,
    attack: describe(planned.chosen),
    eps: planned.eps,
    epoch,
    every,
    data: data.fingerprint,
    table: data.table,
    ...madeBy(bench),
  });
  return yields(bench.store, {
    id: `cell ${id}`,
    kind: "epoch",
    sort: [planned.chosen.unit.id, planned.candidate],
    record: `cells/${key}.json`,
    needs: [...candidate.made, look],
    size: data.y.length * stepsOf(planned),
    about: [
      {
        what: "epoch",
        id,
        candidate: planned.candidate,
        attack: planned.attack,
        threatModel: planned.threatModel,
      },
    ],
    async compute() {
      await tidy(bench);
      const ready = await candidate.open();
      const line = chosenEpochs(ready.history, every).find(
        (one) => one.epoch === epoch,
      );
      if (!line) return null;
      const subject: Subject = {
        ...candidate,
        key,
        async open() {
          const file = epochFile(ready.file, epoch);
          const path = bench.store.path(file);
          const model = await loadModel(path, ready.stated);
          return { ...ready, model, file, key, hash: hashModel(path) };
        },
      };
      return attackedAt(
        line,
        { ...planned, id, probed: false },
        subject,
        bench,
      );
    },
  });
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
  { epoch, stage, trainable, best }: Epoch,
  planned: PlannedCell,
  subject: Subject,
  bench: Bench,
): Promise<Point> {
  const { cell, evidence } = await attackOnce(planned, subject, bench);
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
