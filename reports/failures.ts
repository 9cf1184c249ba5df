import type { MissingResult, Results, WorstCase } from "#results";
import { plain } from "./format.ts";

/** What failed for one reason, and what is not there because of it. */
export interface Failed {
  /** The works that failed. */
  readonly what: string;
  readonly why: string;
  /** What to do about it. */
  readonly hint: string;
  /** Results that are missing, such as "candidate full, 12 cells, 3 trials". */
  readonly lost: string;
}

/** What runs again only what is not there. */
export const RETRY =
  "The same command tries only these again: what is done is kept.";

/** Works and results that are named; the others are counted. */
const NAMED = 3;

/** What failed, works that failed for the same reason together. */
export function failedParts({
  failures = [],
  missing = [],
  stopped,
}: Pick<Results, "failures" | "missing" | "stopped">): Failed[] {
  const reasons = [...new Set(failures.map(({ message }) => message))];
  const unknown = missing.filter(({ because }) => because === null);
  return [
    ...reasons.map((message) => {
      const own = failures.filter((one) => one.message === message);
      const works = new Set<string | null>(own.map(({ work }) => work));
      return {
        what: listed(own.map(({ work }) => work)),
        why: plain(message),
        hint: plain(own[0]!.hint),
        lost: counted(missing.filter((one) => works.has(one.because))),
      };
    }),
    ...(unknown.length > 0
      ? [
          {
            what: counted(unknown),
            why: stopped
              ? "it was not done, since a rule of the gate could not pass any more"
              : "it was not done",
            hint: stopped
              ? "Leave out --fail-fast to have it done."
              : "Run the same command again to continue.",
            lost: counted(unknown),
          },
        ]
      : []),
  ];
}

/** Results by their kinds: the first ones by name, or how many there are. */
function counted(missing: readonly MissingResult[]): string {
  const kinds = [...new Set(missing.map(({ what }) => what))];
  return kinds
    .map((kind) => {
      const ids = missing.flatMap(({ what, id }) => (what === kind ? id : []));
      const { one, many } = names[kind];
      return ids.length === 1
        ? `${one} ${plain(ids[0]!)}`
        : `${ids.length} ${many} (${listed(ids)})`;
    })
    .join("; ");
}

const listed = (names: readonly string[]): string =>
  [
    ...names.slice(0, NAMED).map(plain),
    ...(names.length > NAMED ? [`${names.length - NAMED} more`] : []),
  ].join(", ");

const names: Readonly<
  Record<MissingResult["what"], { one: string; many: string }>
> = {
  base: { one: "the look at", many: "looks at bases" },
  candidate: { one: "candidate", many: "candidates" },
  cell: { one: "cell", many: "cells" },
  heads: { one: "attack across tasks", many: "attacks across tasks" },
  epoch: { one: "epoch of", many: "epochs" },
  source: { one: "cell", many: "cells on the source domain" },
  trial: { one: "trial", many: "trials" },
  certificate: { one: "certificates of", many: "sets of certificates" },
  gallery: { one: "examples of", many: "galleries" },
};

/**
 * What a number that is of several things is without, by name: "full.3, and 2 more";
 * empty where it has all.
 */
export const withoutParts = (missing: readonly string[] = []): string =>
  missing.length > 0 ? listed(missing) : "";

/**
 * The attacks that are missing from a worst case, which is then only a bound from
 * above: "2 attacks"; empty where it has all.
 */
export function withoutAttacks(
  { missing = [] }: Pick<Results, "missing">,
  { candidate, defense, threatModel }: WorstCase,
): string {
  const { length } = missing.filter(
    (one) =>
      (one.what === "heads" ||
        (one.what === "cell" && (one.adaptive || defense === "none"))) &&
      one.candidate === candidate &&
      one.defense === defense &&
      one.threatModel === threatModel,
  );
  return length === 0 ? "" : length === 1 ? "1 attack" : `${length} attacks`;
}
