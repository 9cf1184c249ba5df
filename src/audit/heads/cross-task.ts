import { samplesAt } from "#model";
import { takeRows } from "#onnx";
import {
  type ComputedCell,
  drawsFor,
  openFor,
  readExamples,
  release,
} from "../attacking/index.ts";
import { counts } from "../counting.ts";
import type { AcrossHeads } from "../judging/index.ts";
import { decisions, REFUSED, type ReadyModel } from "../models/index.ts";
import { type PlannedCell, usesTarget } from "../plan/index.ts";
import { type Fate, fatesOf, outcomesOf, rightOf } from "../results/index.ts";
import { trunkOf } from "../suite/index.ts";
import { allHeads } from "./all-heads.ts";
import { type Replaying, summary } from "./replaying.ts";

/** A cell of a task, and the cell of another one under the same attack. */
interface Pair {
  readonly planned: PlannedCell;
  readonly made: ComputedCell;
  readonly judged: ComputedCell;
}

/**
 * Of candidates of several tasks: the examples that were made through the head of one
 * task, given to the heads of the others, on the samples that both have. An attacker
 * who cannot see a head, or finds no gradient in it, may still break it through its
 * neighbours, for all read the features of one trunk. Tasks with data of their own have
 * no labels for one another's samples, and are not paired.
 */
export async function crossTask(run: Replaying): Promise<AcrossHeads> {
  const replays: AcrossHeads["replays"][number][] = [];
  for (const pair of pairsOf(run)) {
    const { planned, made, judged } = pair;
    const { candidate } = planned;
    const { trunk, replica } = run.suite.candidates[candidate] ?? {};
    const outcomes =
      made === judged ? made.cell.outcomes : await replayed(pair, run);
    if (fatesOf(outcomes).every((fate) => fate === "absent")) continue;
    const row = {
      of: trunk?.of ?? candidate,
      replica: replica?.index ?? null,
      through: candidate,
      candidate: judged.cell.candidate,
      defense: planned.defense,
      attack: planned.attack,
      threatModel: planned.threatModel,
      ...summary(outcomes),
      outcomes,
    };
    replays.push({ row, cell: planned.id });
  }
  const together = await allHeads(run);
  await release(run);
  return { replays, together };
}

/**
 * Every attack that looks at a head, with the cells of all heads under it; none where
 * a head is alone.
 */
function pairsOf({ suite, plan, computed }: Replaying): Pair[] {
  const trunk = (candidate: string) => trunkOf(suite, candidate);
  const attacked = plan.filter(
    (p) => trunk(p.candidate) && counts(p) && usesTarget(p.chosen.unit),
  );
  return attacked.flatMap((planned) => {
    const alike = attacked.filter(
      (p) =>
        trunk(p.candidate) === trunk(planned.candidate) &&
        p.defense === planned.defense &&
        p.attack === planned.attack &&
        p.threatModel === planned.threatModel,
    );
    if (alike.length < 2) return [];
    const made = computed.get(planned.id)!;
    return alike.map((p) => ({ planned, made, judged: computed.get(p.id)! }));
  });
}

/** Outcomes of the judged candidate on the examples of another. */
async function replayed(
  { planned, made, judged }: Pair,
  { models, benchOf }: Replaying,
): Promise<string> {
  const { candidate, outcomes } = judged.cell;
  const bench = benchOf(candidate);
  const { data } = bench;
  const theirs = benchOf(made.cell.candidate).rows?.attacked ?? [];
  const own = bench.rows?.attacked ?? [];
  const place = new Map(theirs.map((row, i) => [row, i]));
  const shared = own.flatMap((row, sample) => {
    const example = place.get(row);
    return example === undefined ? [] : [{ sample, example }];
  });
  const fates = Array.from(data.y, (): Fate => "absent");
  const examples = readExamples(bench.store, made.examples);
  if (shared.length === 0 || !examples) return outcomesOf(fates);
  const samples = shared.map((s) => s.sample);
  const ready = models.get(candidate) as ReadyModel;
  const opened = await openFor(ready, planned.parts, bench);
  const draws = drawsFor(bench, "attacked");
  const answers = await opened.answers(
    samplesAt(
      examples,
      shared.map((s) => s.example),
    ),
    samples.map((i) => draws[i]!),
  );
  const said = decisions(
    opened.model.model,
    answers,
    data.targets && takeRows(data.targets, samples),
  );
  const right = rightOf(outcomes);
  samples.forEach((sample, i) => {
    const stood = said[i] === data.y[sample] || said[i] === REFUSED;
    fates[sample] = right[sample] ? (stood ? "robust" : "broken") : "wrong";
  });
  return outcomesOf(fates);
}
