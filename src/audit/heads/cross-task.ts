import { hashOf } from "#core";
import { samplesAt } from "#model";
import { takeRows } from "#onnx";
import { type CellWorks, drawsFor, openFor, tidy } from "../attacking/index.ts";
import { counts } from "../counting.ts";
import type { AcrossHeads } from "../judging/index.ts";
import { decisions, REFUSED } from "../models/index.ts";
import { usesTarget } from "../plan/index.ts";
import { type Fate, outcomesOf, rightOf } from "../results/index.ts";
import { trunkOf } from "../suite/index.ts";
import { foundBy, type Phase, type Yields, yields } from "../works/index.ts";
import { allHeads } from "./all-heads.ts";
import { type Replaying, summary } from "./replaying.ts";

/** A cell of a task, and the cell of another one under the same attack. */
interface Pair {
  readonly made: CellWorks;
  readonly judged: CellWorks;
  /** The samples that both have, by their places in either. */
  readonly shared: readonly { sample: number; example: number }[];
}

/**
 * Of candidates of several tasks: the examples that were made through the head of one
 * task, given to the heads of the others, on the samples that both have. An attacker
 * who cannot see a head, or finds no gradient in it, may still break it through its
 * neighbours, for all read the features of one trunk. Tasks with data of their own have
 * no labels for one another's samples, and are not paired.
 */
export function crossTask(
  run: Replaying,
): Phase<AcrossHeads & { readonly warnings: readonly string[] }> {
  const pairs = pairsOf(run).map((pair) => ({
    pair,
    replay: pair.made === pair.judged ? null : replayWork(pair, run),
  }));
  const together = allHeads(run);
  return {
    works: [...pairs.flatMap(({ replay }) => replay ?? []), ...together.works],
    found: () => ({
      ...together.found(),
      replays: pairs.flatMap(({ pair, replay }) => {
        const outcomes = replay
          ? replay.found()
          : pair.made.score.found()?.outcomes;
        return outcomes === undefined ? [] : rowOf(pair, outcomes, run);
      }),
    }),
  };
}

function rowOf(
  { made: { planned }, judged }: Pair,
  outcomes: string,
  { suite }: Replaying,
): AcrossHeads["replays"][number] {
  const { trunk, replica } = suite.candidates[planned.candidate] ?? {};
  const row = {
    of: trunk?.of ?? planned.candidate,
    replica: replica?.index ?? null,
    through: planned.candidate,
    candidate: judged.planned.candidate,
    defense: planned.defense,
    attack: planned.attack,
    threatModel: planned.threatModel,
    ...summary(outcomes),
    outcomes,
  };
  return { row, cell: planned.id };
}

/**
 * Every attack that looks at a head, with the cells of all heads under it; none where
 * a head is alone, or shares no sample with the other.
 */
function pairsOf({ suite, cells, benchOf }: Replaying): Pair[] {
  const trunk = ({ planned }: CellWorks) => trunkOf(suite, planned.candidate);
  const attacked = cells.filter(
    (cell) =>
      trunk(cell) &&
      counts(cell.planned) &&
      usesTarget(cell.planned.chosen.unit),
  );
  const rowsOf = ({ planned }: CellWorks) =>
    benchOf(planned.candidate).rows?.attacked ?? [];
  return attacked.flatMap((made) => {
    const { planned } = made;
    const alike = attacked.filter(
      (other) =>
        trunk(other) === trunk(made) &&
        other.planned.defense === planned.defense &&
        other.planned.attack === planned.attack &&
        other.planned.threatModel === planned.threatModel,
    );
    if (alike.length < 2) return [];
    const place = new Map(rowsOf(made).map((row, i) => [row, i]));
    return alike.flatMap((judged) => {
      const shared = rowsOf(judged).flatMap((row, sample) => {
        const example = place.get(row);
        return example === undefined ? [] : [{ sample, example }];
      });
      return made === judged || shared.length > 0
        ? [{ made, judged, shared }]
        : [];
    });
  });
}

/** Outcomes of the judged candidate on the examples of another. */
function replayWork(
  { made, judged, shared }: Pair,
  { benchOf }: Replaying,
): Yields<string> {
  const { candidate, parts, defense, attack, threatModel } = judged.planned;
  const what = `${made.planned.id} on ${candidate}`;
  const bench = benchOf(candidate);
  const key = hashOf({
    kind: "replay",
    examples: made.examples.record,
    score: judged.score.record,
    shared,
  });
  return yields(bench.store, {
    id: `replay ${what}`,
    kind: "heads",
    record: `replays/${key}.json`,
    needs: [made.examples, judged.score],
    size: shared.length,
    about: [
      { what: "heads", id: what, candidate, defense, attack, threatModel },
    ],
    async compute() {
      await tidy(bench);
      const { data } = bench;
      const samples = shared.map((s) => s.sample);
      const ready = await bench.models.candidate(candidate);
      const opened = await openFor(ready, parts, bench);
      const draws = drawsFor(bench, "attacked");
      const answers = await opened.answers(
        samplesAt(
          foundBy(made.examples).examples,
          shared.map((s) => s.example),
        ),
        samples.map((i) => draws[i]!),
      );
      const said = decisions(
        opened.model.model,
        answers,
        data.targets && takeRows(data.targets, samples),
      );
      const right = rightOf(foundBy(judged.score).outcomes);
      const fates = Array.from(data.y, (): Fate => "absent");
      samples.forEach((sample, i) => {
        const stood = said[i] === data.y[sample] || said[i] === REFUSED;
        fates[sample] = right[sample] ? (stood ? "robust" : "broken") : "wrong";
      });
      return outcomesOf(fates);
    },
  });
}
