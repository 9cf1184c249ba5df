import { hashOf } from "#core";
import { whyNoGradient } from "#model";
import { type CellWorks, openFor, tidy } from "../attacking/index.ts";
import type { AcrossHeads } from "../judging/index.ts";
import { type Fate, fatesOf, outcomesOf, rightOf } from "../results/index.ts";
import { trunkOf } from "../suite/index.ts";
import { foundBy, type Phase, type Yields, yields } from "../works/index.ts";
import { type Replaying, summary } from "./replaying.ts";
import {
  attackTogether,
  type Head,
  rightOnes,
  type Together,
} from "./together.ts";

/**
 * All heads of each candidate of several tasks attacked at once, with the sum of their
 * losses, until all are wrong; on the samples that all tasks have. Only undefended.
 * One row for each head.
 */
export function allHeads(
  run: Replaying,
): Phase<Pick<AcrossHeads, "together"> & { readonly warnings: string[] }> {
  const { suite, cells } = run;
  const asked = cells.filter(
    ({ planned: p }) =>
      p.defense === "none" &&
      p.threatModel in suite.threatModels &&
      suite.allHeads.includes(p.attack),
  );
  const trunks = new Map<string, CellWorks[]>();
  for (const cell of asked) {
    const { candidate, attack, threatModel } = cell.planned;
    const trunk = trunkOf(suite, candidate);
    const key = JSON.stringify([trunk, attack, threatModel]);
    if (trunk) trunks.set(key, [...(trunks.get(key) ?? []), cell]);
  }
  const works = [...trunks.values()].map((of) => togetherWork(of, run));
  return {
    works,
    found() {
      const found = works.flatMap((work) => work.found() ?? []);
      return {
        together: found.flatMap(({ made }) => made ?? []),
        warnings: found.flatMap(({ obstacle }) => obstacle ?? []),
      };
    },
  };
}

/** What an attack on all heads at once did, or why it was not made. */
interface Found {
  readonly made?: AcrossHeads["together"][number];
  /** A sentence. */
  readonly obstacle?: string;
}

function togetherWork(
  cells: readonly CellWorks[],
  run: Replaying,
): Yields<Found> {
  const { planned } = cells[0]!;
  const { id, attack, candidate } = planned;
  const bench = run.benchOf(candidate);
  const needs = cells.flatMap(({ score, evidence }) => [score, evidence]);
  const key = hashOf({
    kind: "all heads",
    needs: needs.map(({ record }) => record),
  });
  return yields(bench.store, {
    id: `all heads of ${id}`,
    kind: "heads",
    record: `together/${key}.json`,
    needs,
    size: cells.reduce((sum, { examples }) => sum + examples.size, 0),
    about: cells.map(({ planned: p }) => ({
      what: "heads",
      id: `${p.id} on all heads`,
      candidate: p.candidate,
      defense: p.defense,
      attack: p.attack,
      threatModel: p.threatModel,
    })),
    async compute() {
      await tidy(bench);
      const heads = await headsOf(cells, run);
      const why = obstacleOf(heads);
      if (why !== null)
        return {
          obstacle: `${attack} is not made on all heads of ${candidate} at once: ${why}.`,
        };
      const trunk = trunkOf(run.suite, candidate) ?? "";
      const one = await attackTogether(planned, trunk, heads, bench);
      return {
        made: {
          evidence: one.evidence,
          heads: one.heads.map(({ noGradient }, at) => ({
            row: rowOf(one, at, run),
            noGradient,
          })),
        },
      };
    },
  });
}

/** Why heads cannot be attacked together; null where they can. */
function obstacleOf(heads: readonly Head[]): string | null {
  const [first, second] = heads;
  if (!first || !second) return "fewer than two tasks are of the suite's data";
  if (first.places.length === 0) return "the tasks share no sample";
  if (rightOnes(heads).length === 0)
    return "no head is right about any sample that all tasks have";
  return first.noGradient === null ? null : "no head has a gradient";
}

/**
 * The heads whose samples are of the suite's data, on those that all of them have;
 * those with a gradient first.
 */
async function headsOf(
  cells: readonly CellWorks[],
  { benchOf }: Replaying,
): Promise<Head[]> {
  const rowsOf = (id: string) => benchOf(id).rows?.attacked ?? [];
  const own = cells.filter(
    ({ planned }) => benchOf(planned.candidate).rows !== null,
  );
  const [first, ...others] = own.map(({ planned }) =>
    rowsOf(planned.candidate),
  );
  const shared = (first ?? []).filter((row) =>
    others.every((rows) => rows.includes(row)),
  );
  const heads: Head[] = [];
  for (const { planned, score, evidence } of own) {
    const { candidate } = planned;
    const bench = benchOf(candidate);
    const ready = await bench.models.candidate(candidate);
    const opened = await openFor(ready, [], bench);
    heads.push({
      ready,
      opened,
      places: shared.map((row) => rowsOf(candidate).indexOf(row)),
      data: bench.data,
      right: rightOf(foundBy(score).outcomes),
      noGradient: whyNoGradient(opened.model.model),
      evidence: foundBy(evidence),
    });
  }
  return [
    ...heads.filter((h) => h.noGradient === null),
    ...heads.filter((h) => h.noGradient !== null),
  ];
}

/** What the attack did to one of the heads. */
function rowOf(
  { planned, heads, stood }: Together,
  at: number,
  { suite }: Replaying,
): AcrossHeads["replays"][number]["row"] {
  const { ready, places, data, right } = heads[at]!;
  const under = fatesOf(stood[at] ?? "");
  const fates = Array.from(data.y, (): Fate => "absent");
  places.forEach((place, i) => {
    fates[place] = right[place] ? under[i]! : "wrong";
  });
  const outcomes = outcomesOf(fates);
  const { trunk, replica } = suite.candidates[ready.id] ?? {};
  const of = trunk?.of ?? ready.id;
  return {
    of,
    replica: replica?.index ?? null,
    through: of,
    candidate: ready.id,
    defense: planned.defense,
    attack: planned.attack,
    threatModel: planned.threatModel,
    ...summary(outcomes),
    outcomes,
  };
}
