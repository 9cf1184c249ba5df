import { type Model, type Samples, whyNoGradient } from "#model";
import type { FloatTensor } from "#onnx";
import { decisions, measured, REFUSED } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { type Cell, countOf, type Fate, outcomesOf } from "../results/index.ts";
import { rate } from "../statistics/index.ts";
import { stopwatch } from "../workplace.ts";
import { type Bench, openFor, type Subject } from "./bench.ts";
import type { Craft } from "./craft.ts";
import { detectionOf } from "./detection.ts";
import { cleanAnswers, drawsFor } from "./seen.ts";

/** A cell: all but what depends on other cells. */
export type BareCell = Omit<Cell, "trusted" | "checks" | "reproduce">;

/** Scores the examples of a cell. */
export async function scoreCell(
  planned: PlannedCell,
  subject: Subject,
  bench: Bench,
  made: Craft & { readonly examples: Samples },
): Promise<BareCell> {
  const { data } = bench;
  const seconds = stopwatch();
  const opened = await openFor(await subject.open(), planned.parts, bench);
  const { model } = opened.model;
  const { examples, queries, queriesToBreak, measures } = made;
  const before = await cleanAnswers(opened, bench);
  const after = await opened.answers(examples, drawsFor(bench, "attacked"));
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
  return {
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
    seconds: made.seconds + seconds(),
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
