import { attacks, textAttacks } from "#attacks";
import { UNDEFENDED } from "../counting.ts";
import { RESULTS_VERSION } from "../results/index.ts";

type Fields = Record<string, unknown>;

/** What documents of earlier versions lack, with what stands for "there was none". */
const missing = {
  document: {
    trialAttacks: [],
    repairs: [],
    trials: [],
    seeds: [],
    certificates: [],
  },
  threatModel: { steps: null, restarts: null, queries: null },
  cell: { queriesToBreak: [], breakdown: [] },
  candidate: {
    replica: null,
    adaptation: null,
    kinship: null,
    sourceAccuracy: null,
  },
  // A transfer that does not say so is not known to be trusted.
  transferPoint: { trusted: false },
} as const satisfies Record<string, Fields>;

/**
 * A results document of an earlier version in the form of this one. What versions from
 * 1.0 on added is filled with what says that it was not there; it is not checked.
 *
 * @param document what a file has, of a version with the same major number
 */
export function upgraded(document: Fields): Fields {
  const { candidates, failures } = document;
  // The schema says what is wrong with these.
  if (!always.every((list) => isList(document[list]))) return document;
  const warnings = listOf(candidates).flatMap(({ warnings = [] }) => warnings);
  const families = new Map(
    listOf(document.attacks).map((attack) => [
      attack.id,
      attack.family ?? familyOf(attack),
    ]),
  );
  return {
    ...missing.document,
    ...document,
    schemaVersion: RESULTS_VERSION,
    ...each(document, "threatModels", missing.threatModel),
    ...each(document, "candidates", missing.candidate, "warnings"),
    attacks: listOf(document.attacks).map((attack) => ({
      ...attack,
      family: families.get(attack.id),
    })),
    worstCases: listOf(document.worstCases).map((worst) => ({
      evaluated:
        worst.defense === UNDEFENDED ||
        [worst.attacks]
          .flat()
          .some((attack) => !blind.includes(families.get(attack))),
      ...worst,
    })),
    cells: listOf(document.cells).map((cell) => ({
      ...missing.cell,
      ...cell,
      threatModel: {
        ...missing.threatModel,
        ...(cell.threatModel as Fields | undefined),
      },
    })),
    transfer: isList(document.transfer)
      ? document.transfer.map((one) => ({
          ...one,
          ...each(one, "points", missing.transferPoint),
        }))
      : document.transfer,
    // What failed only because something else did is not listed any more.
    failures: isList(failures)
      ? failures
          .filter(({ because = null }) => because === null)
          .map(({ because: _, ...failure }) => failure)
      : failures,
    warnings:
      warnings.length > 0
        ? [document.warnings ?? [], warnings].flat(2)
        : document.warnings,
  };
}

/** Families of attacks that say nothing of a defence. */
const blind: readonly unknown[] = ["control", "corruption", "transfer"];

/** A list of a document, each with what it may lack, and without what is gone. */
const each = (of: Fields, list: string, lacks: Fields, gone = "") => ({
  [list]: listOf(of[list]).map((one) => {
    const { [gone]: _, ...rest } = one;
    return { ...lacks, ...rest };
  }),
});

/** Lists that every document has. */
const always = [
  "threatModels",
  "candidates",
  "attacks",
  "cells",
  "worstCases",
] as const;

const isList = (value: unknown): value is Fields[] =>
  Array.isArray(value) &&
  value.every((one) => typeof one === "object" && one !== null);

const listOf = (value: unknown): Fields[] => (isList(value) ? value : []);

/** Of what family an attack is that does not say so: its own, or by its access. */
function familyOf({ title, access }: Fields): string {
  const known = [...attacks, ...textAttacks].find((one) => one.title === title);
  if (known) return known.family;
  return access === "gradient"
    ? "iterative"
    : access === "base"
      ? "transfer"
      : "query";
}
