import type { Results } from "#results";
import { taxonomies } from "./taxonomies.ts";

/** Something that a list of threats names, and what this audit measured of it. */
export interface Covered {
  readonly id: string;
  readonly name: string;
  /** Attacks whose numbers are there, or what else was measured; empty for nothing. */
  readonly by: readonly string[];
  /** How many numbers those are, and how many of them are not trusted. */
  readonly numbers: number;
  readonly untrusted: number;
}

export interface Coverage {
  readonly list: string;
  readonly rows: readonly Covered[];
}

/**
 * What was measured of each thing that lists of threats name: of Article 15 of the
 * European AI Act (Regulation (EU) 2024/1689), and of MITRE, OWASP and NIST. It is
 * evidence beside a text, no judgement by it.
 */
export function coverageOf(results: Results): Coverage[] {
  const seen = measuredBy(results);
  return [article15(results, seen), ...lists(seen)];
}

/** An attack that there are numbers of. */
interface Seen {
  readonly id: string;
  /** Family of an attack on inputs, or kind of one on the fine-tuning. */
  readonly kind: string;
  readonly taxonomy: Results["attacks"][number]["taxonomy"];
  readonly numbers: number;
  readonly untrusted: number;
}

function measuredBy(results: Results): Seen[] {
  const { attacks, trialAttacks, cells, trials } = results;
  const count = (id: string, all: readonly { trusted: boolean }[]) => ({
    id,
    numbers: all.length,
    untrusted: all.filter(({ trusted }) => !trusted).length,
  });
  return [
    ...attacks.map(({ id, family, taxonomy }) => ({
      ...count(
        id,
        cells.filter((cell) => cell.attack === id),
      ),
      kind: family as string,
      taxonomy,
    })),
    ...trialAttacks.map(({ id, kind, taxonomy }) => ({
      ...count(
        id,
        trials.filter((trial) => trial.trial === id),
      ),
      kind,
      taxonomy,
    })),
  ].filter(({ numbers }) => numbers > 0);
}

const row = (id: string, name: string, seen: readonly Seen[]): Covered => ({
  id,
  name,
  by: seen.map((one) => one.id),
  numbers: seen.reduce((sum, { numbers }) => sum + numbers, 0),
  untrusted: seen.reduce((sum, { untrusted }) => sum + untrusted, 0),
});

/** Of each list what it names, and what only an attack names of it. */
const lists = (seen: readonly Seen[]): Coverage[] =>
  taxonomies.map(({ key, name, version, entries }) => {
    const known = new Set(entries.map(([id]) => id));
    const others = new Set(
      seen
        .flatMap(({ taxonomy }) => taxonomy[key])
        .filter((id) => !known.has(id)),
    );
    const all = [...entries, ...[...others].map((id) => [id, "-"] as const)];
    return {
      list: `${name} ${version}`,
      rows: all.map(([id, title]) =>
        row(
          id,
          title,
          seen.filter(({ taxonomy }) => taxonomy[key].includes(id)),
        ),
      ),
    };
  });

/** Nobody searches in these, or they are what happens by itself. */
const byThemselves = new Set(["corruption", "control", "tampering"]);

/** What Article 15 names, by the ids of NIST. */
const named: readonly (readonly [name: string, ids: readonly string[]])[] = [
  ["Cybersecurity: data poisoning", ["012", "013", "021", "023", "024"]],
  [
    "Cybersecurity: model poisoning, pre-trained components",
    ["011", "026", "05", "051"],
  ],
  ["Cybersecurity: adversarial examples, model evasion", ["022", "025"]],
  [
    "Cybersecurity: confidentiality attacks",
    ["03", "031", "032", "033", "034"],
  ],
];

const article15 = (
  { candidates }: Results,
  seen: readonly Seen[],
): Coverage => ({
  list: "EU AI Act, Article 15",
  rows: [
    {
      id: "15(1)",
      name: "Accuracy",
      by: candidates.length > 0 ? ["clean accuracy"] : [],
      numbers: candidates.length,
      untrusted: 0,
    },
    row(
      "15(4)",
      "Robustness: errors, faults and inconsistencies",
      seen.filter(({ kind }) => byThemselves.has(kind)),
    ),
    row("15(4)", "Robustness: feedback loops of what goes on learning", []),
    ...named.map(([name, ids]) =>
      row(
        "15(5)",
        name,
        seen.filter(
          ({ kind, taxonomy }) =>
            kind !== "control" &&
            kind !== "corruption" &&
            taxonomy.nist.some((id) =>
              ids.includes(id.replace("NISTAML.", "")),
            ),
        ),
      ),
    ),
    row("15(5)", "Cybersecurity: model flaws", []),
  ],
});

/** What was measured in words: "pgd, square: 8 numbers, 2 of them not trusted". */
export const coveredText = ({ by, numbers, untrusted }: Covered): string =>
  by.length === 0
    ? "not measured"
    : `${by.join(", ")}: ${numbers} ${numbers === 1 ? "number" : "numbers"}${untrusted > 0 ? `, ${untrusted} of them not trusted` : ""}`;
