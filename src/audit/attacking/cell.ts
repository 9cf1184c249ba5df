import { hashOf } from "#core";
import { type Model, whyNoGradient } from "#model";
import type { FloatTensor } from "#onnx";
import {
  decisions,
  measured,
  REFUSED,
  type ReadyModel,
} from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { type Cell, countOf, type Fate, outcomesOf } from "../results/index.ts";
import { rate } from "../statistics/index.ts";
import type { Evidence } from "../trust/index.ts";
import { kept, progressOf, stopwatch } from "../work.ts";
import { type Bench, ballFor, drawsFor, openFor, samplesOf } from "./bench.ts";
import { craft, craftKey } from "./craft.ts";
import { detectionOf } from "./detection.ts";
import { gather } from "./evidence.ts";
import { describeFits } from "./fit.ts";

/** A cell as it is stored: all but what depends on other cells. */
export interface ComputedCell {
  readonly cell: Omit<Cell, "trusted" | "checks" | "reproduce">;
  readonly evidence: Omit<Evidence, "faults">;
  /** Name in the store of the examples that were scored. */
  readonly examples: string;
}

/** A cell's result from the store, or computed and kept there. */
export async function computeCell(
  planned: PlannedCell,
  candidate: ReadyModel,
  bench: Bench,
): Promise<ComputedCell & { reused: boolean }> {
  const craft = craftKey(planned, candidate, bench);
  const key = hashOf({
    craft,
    candidate: candidate.hash,
    defense: describeFits(planned.parts, candidate, bench),
    id: planned.id,
    probed: planned.probed,
    // Its examples are replayed.
    base: planned.probed ? bench.base?.hash : undefined,
  });
  const { record, reused } = await kept(
    bench,
    `cells/${key}.json`,
    () => attackAndScore(planned, candidate, bench, craft),
    ({ examples }) => [examples],
  );
  return { ...record, reused };
}

async function attackAndScore(
  planned: PlannedCell,
  candidate: ReadyModel,
  bench: Bench,
  key: string,
): Promise<ComputedCell> {
  const { data } = bench;
  const seconds = stopwatch();
  const opened = await openFor(candidate, planned.parts, bench);
  const { model } = opened.model;
  const ball = ballFor(planned, opened, data);
  const made = await craft(planned, candidate, bench, ball, key);
  const { examples, queries, queriesToBreak, measures } = made;
  const draws = (purpose: string) => drawsFor(bench, purpose);
  const before = await opened.answers(samplesOf(data), draws("clean"));
  const after = await opened.answers(examples, draws("attacked"));
  const clean = decisions(model, before, data.targets);
  const attacked = decisions(model, after, data.targets);
  const distances = measuresOf(
    model,
    before.logits,
    after.logits,
    data.targets,
  );
  const detection = detectionOf(model, before, after, data);
  const outcomes = outcomesOf(
    Array.from(data.y, (label, i): Fate => {
      if (clean[i] !== label) return "wrong";
      const stood = attacked[i] === label || attacked[i] === REFUSED;
      return stood ? "robust" : "broken";
    }),
  );
  const n = data.y.length;
  const robust = countOf(outcomes, "robust");
  const right = robust + countOf(outcomes, "broken");
  const { unit } = planned.chosen;
  const asks = unit.access !== "base" && unit.access !== "none";
  const noGradient =
    made.noGradient ??
    (asks && planned.norm !== "edits" ? whyNoGradient(model) : null);
  progressOf(bench, planned.id)(1);
  return {
    cell: {
      id: planned.id,
      candidate: planned.candidate,
      defense: planned.defense,
      attack: planned.attack,
      threatModel: {
        id: planned.threatModel,
        norm: planned.norm,
        eps: planned.eps,
        access: unit.access,
        steps: limitOf(planned, "steps"),
        restarts: limitOf(planned, "restarts"),
        queries: planned.queries,
      },
      adaptive: planned.adaptive,
      cleanAccuracy: rate(right, n),
      robustAccuracy: rate(robust, n),
      attackSuccess: right > 0 ? rate(right - robust, right) : null,
      noGradient: noGradient ?? undefined,
      queries,
      outcomes,
      queriesToBreak: [...queriesToBreak],
      // What was made without the defence says nothing of it.
      breakdown: planned.adaptive
        ? measures.map(({ name, level, robust: stood }) => ({
            name,
            level,
            robustAccuracy: rate(stood, n),
          }))
        : [],
      measures: distances.length > 0 ? distances : undefined,
      detection: detection ?? undefined,
      seconds: seconds(),
    },
    evidence: await gather(
      planned,
      candidate,
      opened,
      bench,
      ball,
      made,
      noGradient,
      clean,
      outcomes,
    ),
    examples: made.file,
  };
}

/** How far outputs are from their targets, clean and under an attack. */
function measuresOf(
  model: Model,
  before: FloatTensor,
  after: FloatTensor,
  targets: FloatTensor | undefined,
) {
  const clean = measured(model, before, targets);
  return measured(model, after, targets).map((measure, i) => ({
    ...measure,
    clean: clean[i]?.value ?? Number.NaN,
    cleanInterval: clean[i]?.interval,
  }));
}

/** How many steps or restarts an attack really had. */
function limitOf({ chosen }: PlannedCell, key: "steps" | "restarts") {
  const stated = (chosen.params as Record<string, unknown>)[key];
  return typeof stated === "number" ? stated : null;
}
