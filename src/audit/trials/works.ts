import { hashOf, needsOf } from "#core";
import {
  type Models,
  type ModelWorks,
  passesOfTraining,
  trainingOf,
  type Workshop,
} from "../models/index.ts";
import type { PlannedTrial } from "../plan/index.ts";
import type { Trial } from "../results/index.ts";
import { commandFor, describe } from "../suite/index.ts";
import { judgedOn } from "../tasks/index.ts";
import { madeBy } from "../workplace.ts";
import {
  oncePerRecord,
  type Phase,
  type Work,
  type Yields,
  yields,
} from "../works/index.ts";
import { protocolOf } from "./kinds.ts";
import type { PlannedPart } from "./parts.ts";
import {
  type Conclusion,
  concludeTrial,
  type Place,
  recordOfPart,
  tryPart,
} from "./run.ts";
import { openVictim } from "./victim.ts";

/** The trials of a run as works: their parts, and what these say together. */
export function trialWorks(
  planned: readonly PlannedTrial[],
  models: Models,
  foreseen: ModelWorks,
  shop: Workshop,
): Phase<Trial[]> {
  const once = oncePerRecord();
  const trials = planned.map((one) => {
    const stages = stagesOf(one, foreseen, shop);
    const place: Place = {
      planned: one,
      models,
      shop,
      ...keysOf(one, foreseen, shop),
      parts: stages.flat(),
    };
    return trialWork(place, stages, foreseen, once);
  });
  return {
    // Parts and repairs are done where a trial that is missing needs them.
    works: trials,
    found: () =>
      trials.flatMap((work, i) => {
        const found = work.found();
        return found ? resultOf(planned[i]!, found, shop) : [];
      }),
  };
}

function resultOf(
  { id, candidate, repair, trial }: PlannedTrial,
  { seconds, ...outcome }: Conclusion,
  { loaded }: Workshop,
): Trial {
  return {
    ...{ id, candidate, repair, trial, ...outcome },
    trusted: outcome.checks.every((c) => c.status !== "failed"),
    seconds,
    reproduce: commandFor(loaded, id),
  };
}

/** What a trial and its parts are kept under. */
function keysOf(
  { candidate, parts, chosen }: PlannedTrial,
  { base, unrelated, candidates }: ModelWorks,
  shop: Workshop,
): Pick<Place, "depends" | "behind"> {
  const { data, loaded } = shop;
  const depends = {
    attack: describe(chosen),
    candidate: candidates.get(candidate)?.key,
    base: base?.key,
    unrelated: needsOf(chosen).includes("unrelated")
      ? unrelated?.key
      : undefined,
    data: [
      data.attacked,
      ...Object.values(data.target),
      ...Object.values(data.sourceDomain ?? {}),
      ...Object.values(data.pretraining ?? {}),
    ].map((part) => part.fingerprint),
    ...madeBy(shop),
  };
  const defenses = chosen.unit.meetsDefenses
    ? Object.entries(loaded.suite.defenses).map(([name, own]) => [
        name,
        own.map(describe),
      ])
    : undefined;
  return { depends, behind: { repair: parts.map(describe), defenses } };
}

/** The parts of a trial: those of a stage need all of the stages before. */
function stagesOf(
  { chosen, candidate }: PlannedTrial,
  { base }: ModelWorks,
  { data, loaded: { suite } }: Workshop,
): readonly (readonly PlannedPart[])[] {
  const { task } = suite.candidates[candidate]!;
  return (
    protocolOf(chosen).stages?.({
      ...chosen,
      data: judgedOn(data, task).target,
      hasBase: base !== null,
    }) ?? []
  );
}

function trialWork(
  place: Place,
  stages: readonly (readonly PlannedPart[])[],
  { base, unrelated, looks }: ModelWorks,
  once: <W extends Work>(work: W) => W,
): Yields<Conclusion> {
  const { planned, shop, depends, behind } = place;
  const { id, candidate, repair, trial, chosen, parts } = planned;
  const control = needsOf(chosen).includes("unrelated") && unrelated?.made;
  let needs: readonly Work[] = [
    looks.get(candidate)!,
    ...(base?.made ?? []),
    ...(control || []),
  ];
  if (parts.length > 0) needs = [...needs, once(repairWork(place, needs))];
  for (const stage of stages)
    needs = [
      ...needs,
      ...stage.map((part) => once(partWork(part, place, needs))),
    ];
  return yields(shop.store, {
    id: `trial ${id}`,
    kind: "trial",
    sort: [chosen.unit.id, candidate],
    record: `trials/${hashOf({ ...depends, ...behind })}.json`,
    needs,
    size: conclusionSize(place, stages.flat().length),
    about: [{ what: "trial", id, candidate, repair, trial }],
    compute: () => concludeTrial(place),
    headline: ({ findings }) => ({
      what: "finding",
      finding: findings.find(({ role }) => role === "headline"),
    }),
  });
}

function partWork(
  { name, size }: PlannedPart,
  place: Place,
  needs: readonly Work[],
): Work {
  const { id, candidate, chosen } = place.planned;
  return {
    id: `trial ${id}: ${name}`,
    kind: "part",
    // Most parts are trainings of the candidate.
    sort: [
      trainingOf(place.shop.loaded.suite.candidates[candidate]!),
      candidate,
      chosen.unit.id,
      name,
    ],
    record: recordOfPart(name, place),
    needs,
    size: size ?? trainingSize(place),
    run: () => tryPart(name, place),
  };
}

/** The candidate behind its repair, which all trials of the two share. */
function repairWork(place: Place, needs: readonly Work[]): Work {
  const { planned, models, shop, depends, behind } = place;
  const { candidate, repair, parts } = planned;
  const { attack: _, unrelated: __, ...whatever } = depends;
  return yields<string[]>(shop.store, {
    id: `repair ${candidate}/${repair}`,
    kind: "repair",
    sort: [parts.map(({ unit }) => unit.id).join(" "), candidate],
    record: `repairs/${hashOf({ ...whatever, repair: behind.repair })}.json`,
    needs,
    size: trainingSize(place),
    async compute() {
      const files: string[] = [];
      await openVictim(
        await models.candidate(candidate),
        parts,
        await models.base(),
        shop,
        (names) => files.push(...names),
      );
      return files;
    },
    files: (files) => files,
  });
}

/** Of a trial behind its parts, each of which it looks at, or without any. */
function conclusionSize(place: Place, parts: number): number {
  const { planned, shop } = place;
  const { task } = shop.loaded.suite.candidates[planned.candidate]!;
  const { test } = judgedOn(shop.data, task).target;
  return parts > 0 ? parts * test.y.length : trainingSize(place);
}

/** Samples that one fine-tuning of the candidate goes through. */
function trainingSize({ planned, shop }: Place): number {
  const candidate = shop.loaded.suite.candidates[planned.candidate]!;
  const { train } = judgedOn(shop.data, candidate.task).target;
  const { epochs = 1 } = "settings" in candidate ? candidate.settings : {};
  return epochs * train.y.length * passesOfTraining(candidate);
}
