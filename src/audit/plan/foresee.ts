import { resolve } from "node:path";
import { z } from "zod";
import type { TrialAttack } from "#attacks";
import { type Chosen, type Need, nearest, needsOf, UsageError } from "#core";
import type { Reactive, Remedy } from "#defenses";
import { cutOff, type Model } from "#model";
import {
  type Known,
  outlineOf,
  outlineOfCandidate,
  rehearseCandidate,
} from "../models/index.ts";
import { type Candidate, isNamed, plainParams } from "../suite/index.ts";
import { judgedOn } from "../tasks/index.ts";
import { planCells } from "./cells.ts";
import { checkNeeds, type Place } from "./needs.ts";
import { checkPrivateBase } from "./private-base.ts";
import { planTrials } from "./trials.ts";
import { within, withinLater } from "./within.ts";

/**
 * Refuses what data and models show to be impossible before anything is trained: files
 * that do not fit, strategies that a base does not allow, places to cut that are not
 * there, classes that the task does not have, more poisons than samples, and trials and
 * repairs that are made for other samples or models.
 *
 * @throws UsageError that says where in the suite, and what opening the models throws
 */
export async function foresee(known: Known): Promise<void> {
  const { suite, file } = known.loaded;
  const at = <T>(key: string, check: () => T) => within(file, key, check);
  const attacks = Object.entries(suite.attacks);
  const trials = Object.entries(suite.trials).map(
    ([name, { attack }]) => [name, attack] as const,
  );
  const base = await withinLater(file, "base", () => outlineOf("base", known));
  const unrelated = [...attacks, ...trials].some(([, a]) =>
    needsOf(a).includes("unrelated"),
  )
    ? await withinLater(file, "unrelated", () => outlineOf("unrelated", known))
    : null;
  const places = new Map<string, Required<Place>>();
  for (const candidate of Object.values(suite.candidates)) {
    const { id } = candidate;
    const open = () => placeOf(candidate, known, base);
    places.set(id, await withinLater(file, `candidates.${id}`, open));
  }
  for (const [kind, units] of Object.entries({ attacks, trials }))
    for (const [name, chosen] of units)
      for (const [key, cut] of named(chosen.params, ["cut", "secondCut"]))
        for (const model of modelsOf(chosen, base, unrelated))
          at(`${kind}.${name}.${key}`, () => cutOff(model, cut));
  for (const [id, place] of places)
    if (
      suite.certify &&
      isNamed(suite.certify.candidates, suite.candidates[id]!)
    )
      at("certify", () => checkNeeds(certification, place));
  const cells = planCells(suite);
  await tryModelsOf(
    cells.flatMap(({ parts }) => parts),
    known,
  );
  for (const { candidate, defense, parts, attack, chosen } of cells) {
    const place = places.get(candidate)!;
    at(`attacks.${attack}`, () => checkNeeds(chosen, place));
    at(`defenses.${defense}`, () => {
      for (const part of parts) checkNeeds(part, place);
    });
  }
  for (const { candidate, repair, parts, trial, chosen } of planTrials(suite)) {
    const place = places.get(candidate)!;
    const { classes } = place.train;
    at(`trials.${trial}`, () => {
      checkNeeds(chosen, place);
      checkClasses(chosen, classes);
    });
    at(`repairs.${repair}`, () => {
      for (const part of parts) {
        checkNeeds(part, place);
        checkClasses(part, classes);
        if (part.unit.kind !== "training") part.unit.check?.(place.model);
      }
    });
  }
}

/** Tries the models that defences take from files, each once. */
async function tryModelsOf(
  parts: readonly Chosen<Reactive>[],
  { loaded, tryModel }: Known,
): Promise<void> {
  const files = parts.flatMap(({ unit, params }) =>
    unit.kind === "text-sanitizer" ? (unit.files?.(params) ?? []) : [],
  );
  for (const file of new Set(files))
    if (file.endsWith(".onnx"))
      await tryModel?.(resolve(loaded.folder, file), {}, false);
}

/** Smoothing takes the class that a candidate says most often. */
const certification: Chosen = {
  unit: { id: "certify", params: z.object({}), needs: ["one class"] },
  params: {},
};

/** What is known of a candidate before it is trained. */
async function placeOf(
  candidate: Candidate,
  known: Known,
  base: Model | null,
): Promise<Required<Place>> {
  const { suite } = known.loaded;
  checkPrivateBase(candidate, known);
  const model = await outlineOfCandidate(candidate, known, base);
  const { train } = judgedOn(known.data, candidate.task).target;
  const place = { suite, candidate, model, train };
  if ("settings" in candidate)
    for (const part of candidate.settings.augment) checkNeeds(part, place);
  if (candidate.adaptation) checkNeeds(candidate.adaptation, place);
  for (const part of candidate.training) checkNeeds(part, place);
  rehearseCandidate(candidate, known, base);
  return place;
}

/**
 * Strings that stand under these names in parameters, or in those of a unit that they
 * choose, with their path.
 */
function named(
  params: Record<string, unknown>,
  names: readonly string[],
): [path: string, value: string][] {
  return Object.entries(plainParams(params)).flatMap(([key, value]) => {
    if (typeof value === "string" && names.includes(key)) return [[key, value]];
    if (typeof value !== "object" || value === null) return [];
    return named(value as Record<string, unknown>, names).map(
      ([path, found]): [string, string] => [`${key}.${path}`, found],
    );
  });
}

/** The models at which an attack takes features. */
function modelsOf(
  chosen: Chosen,
  base: Model | null,
  unrelated: Model | null,
): Set<Model> {
  const models: Partial<Record<Need, Model | null>> = {
    base,
    "base data": base,
    unrelated,
  };
  return new Set(needsOf(chosen).flatMap((need) => models[need] ?? []));
}

function checkClasses(
  { params }: Chosen<TrialAttack> | Chosen<Remedy>,
  classes: readonly string[],
): void {
  for (const [key, name] of named(params, ["target", "from", "to", "class"])) {
    if (classes.includes(name)) continue;
    const meant = nearest(name, [...classes]);
    throw new UsageError(
      "CLASS_UNKNOWN",
      `${key} is "${name}", which is no class of the task`,
      `${meant === undefined ? "" : `Did you mean "${meant}"? `}Its classes are ${classes.join(", ")}.`,
    );
  }
}
