import { whyNoGradient } from "#model";
import { openFor } from "../attacking/index.ts";
import type { AcrossHeads } from "../judging/index.ts";
import type { ReadyModel } from "../models/index.ts";
import type { PlannedCell } from "../plan/index.ts";
import { type Fate, fatesOf, outcomesOf, rightOf } from "../results/index.ts";
import { trunkOf } from "../suite/index.ts";
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
export async function allHeads(
  run: Replaying,
): Promise<AcrossHeads["together"]> {
  const { suite, plan, benchOf } = run;
  const asked = plan.filter(
    (p) =>
      p.defense === "none" &&
      p.threatModel in suite.threatModels &&
      suite.allHeads.includes(p.attack),
  );
  const trunks = new Map<string, PlannedCell[]>();
  for (const planned of asked) {
    const trunk = trunkOf(suite, planned.candidate);
    const key = JSON.stringify([trunk, planned.attack, planned.threatModel]);
    if (trunk) trunks.set(key, [...(trunks.get(key) ?? []), planned]);
  }
  const made: Together[] = [];
  for (const cells of trunks.values()) {
    const heads = await headsOf(cells, run);
    const [planned] = cells as [PlannedCell];
    const bench = benchOf(planned.candidate);
    const obstacle = obstacleOf(heads);
    if (obstacle === null) {
      const trunk = trunkOf(suite, planned.candidate) ?? "";
      made.push(await attackTogether(planned, trunk, heads, bench));
    } else
      bench.onEvent({
        kind: "warning",
        message: `${planned.attack} is not made on all heads of ${planned.candidate} at once: ${obstacle}.`,
      });
  }
  return made.map((one) => ({
    evidence: one.evidence,
    heads: one.heads.map(({ noGradient }, at) => ({
      row: rowOf(one, at, run),
      noGradient,
    })),
  }));
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
  planned: readonly PlannedCell[],
  { computed, models, benchOf }: Replaying,
): Promise<Head[]> {
  const rowsOf = (id: string) => benchOf(id).rows?.attacked ?? [];
  const own = planned.filter((p) => benchOf(p.candidate).rows !== null);
  const [first] = own;
  const shared = rowsOf(first?.candidate ?? "").filter((row) =>
    own.every((p) => rowsOf(p.candidate).includes(row)),
  );
  const heads: Head[] = [];
  for (const { id, candidate } of own) {
    const ready = models.get(candidate) as ReadyModel;
    const bench = benchOf(candidate);
    const opened = await openFor(ready, [], bench);
    const { cell, evidence } = computed.get(id)!;
    heads.push({
      ready,
      opened,
      places: shared.map((row) => rowsOf(candidate).indexOf(row)),
      data: bench.data,
      right: rightOf(cell.outcomes),
      noGradient: whyNoGradient(opened.model.model),
      evidence,
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
