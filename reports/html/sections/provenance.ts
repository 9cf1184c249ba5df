import { duration, percent } from "#core";
import type { Results } from "#results";
import {
  anchor,
  measureText,
  moduleInWords,
  plain,
  shippedInWords,
  unitsInWords,
  whole,
} from "../../format.ts";
import { described } from "./described.ts";

/** More names than these are those of a vocabulary, which nobody reads. */
const MOST_NAMES = 60;

const named = (names: readonly string[]): string =>
  names.length <= MOST_NAMES
    ? names.map(plain).join(", ")
    : `${names.slice(0, 20).map(plain).join(", ")} and ${whole(names.length - 20)} more`;

/** What the outputs mean, and how far they are from what they should be. */
const taskFacts = (
  { candidates }: Results,
  { kind, broken, chance }: NonNullable<Results["task"]>,
): [string, string][] => [
  [
    "Task",
    `${kind}: a sample is wrong when ${plain(broken)}; the best single answer is right on ${percent(chance)}`,
  ],
  [
    "Measures",
    candidates
      .map(
        ({ id, measures = [] }) =>
          `${plain(id)}: ${measures.map((m) => `${m.name} ${measureText(m.value, m.interval)}`).join(", ")}`,
      )
      .join("; "),
  ],
];

/** How the columns of a table reach the models that were given. */
const unitFacts = ({ base, candidates }: Results): [string, string][] =>
  [...(base ? [{ ...base, id: "the base" }] : []), ...candidates].flatMap(
    ({ id, units }) =>
      units ? [[`Columns for ${plain(id)}`, unitsInWords(units)]] : [],
  );

/** What files of given models answer as they are. */
const shippedFacts = ({ candidates }: Results): [string, string][] =>
  candidates.flatMap(({ id, shipped }) =>
    shipped ? [[`File of ${plain(id)} as it is`, shippedInWords(shipped)]] : [],
  );

/** What the suite says besides its own file. */
const suiteFacts = ({ provenance }: Results): [string, string][] => {
  const { extends: below = [], set = [], variables = [] } = provenance.suite;
  return [
    ...below.map(({ file, hash }): [string, string] => [
      "Suite extends",
      `${plain(file)} (sha256 ${hash})`,
    ]),
    ...set.map((one): [string, string] => ["Set for this run", plain(one)]),
    ...(variables.length > 0
      ? [
          ["Variables in the suite", variables.map(plain).join(", ")] as [
            string,
            string,
          ],
        ]
      : []),
  ];
};

/** Modules from outside that brought units. */
const moduleFacts = ({ provenance }: Results): [string, string][] =>
  (provenance.modules ?? []).map((module) => [
    "Module from outside",
    moduleInWords(module),
  ]);

/** A unit with its parameters and its paper. */
const partOf = (unit: Results["defenses"][number]["parts"][number]) => ({
  text: described(unit),
  reference: plain(unit.reference),
});

/** The most memory that a process had, and at which works. */
function memoryFacts({ memory = [] }: Results["timing"]): [string, string][] {
  const [most] = memory.toSorted((a, b) => b.bytes - a.bytes);
  return most
    ? [["Memory", `at most ${megabytes(most.bytes)} (${plain(most.works)})`]]
    : [];
}

const megabytes = (bytes: number) => `${whole(Math.round(bytes / 1e6))} MB`;

/** Where every number comes from, and how to get it again. */
export function provenanceView(results: Results) {
  const { provenance: p, timing } = results;
  return {
    facts: [
      ["Suite", `${plain(p.suite.file)} (sha256 ${p.suite.hash})`],
      ...suiteFacts(results),
      ["Data", `${p.data.source}, fingerprint ${p.data.fingerprint}`],
      [
        "Samples",
        `${whole(p.data.train)} to train, ${whole(p.data.validation)} to validate, ${whole(p.data.test)} to test, of which ${whole(p.data.attacked)} were attacked`,
      ],
      [results.task ? "Outputs" : "Classes", named(results.classes)],
      ...(results.task ? taskFacts(results, results.task) : []),
      ...unitFacts(results),
      ...shippedFacts(results),
      ...moduleFacts(results),
      ["Seed", String(p.seed)],
      [
        "Software",
        `assay ${p.assay}, ${p.engine}, Node ${p.node}, ${p.platform}`,
      ],
      ["Run", `${timing.startedAt}, ${duration(timing.seconds)}`],
      ...memoryFacts(timing),
    ].map(([name, value]) => ({ name, value })),
    base: results.base
      ? {
          file: plain(results.base.file),
          hash: results.base.hash,
          origin: results.base.origin,
          classes: named(results.base.classes),
          groups: results.base.groups
            .map((g) => `${plain(g.name)} (${whole(g.parameters)})`)
            .join(", "),
        }
      : null,
    candidates: results.candidates.map((c) => ({
      anchor: anchor("candidate", c.id),
      id: plain(c.id),
      file: plain(c.file),
      hash: c.hash,
      made: [
        c.strategy,
        c.adaptation,
        c.training,
        ...(c.moreTraining ?? []),
        c.member?.weighting,
      ].flatMap((unit) => (unit ? [partOf(unit)] : [])),
      seed: c.lineage?.seed ?? "-",
      base: c.lineage?.baseHash ?? "not known",
    })),
    defenses: results.defenses.slice(1).map((d) => ({
      anchor: anchor("defense", d.id),
      id: plain(d.id),
      parts: d.parts.map(partOf),
    })),
    repairs: results.repairs.slice(1).map((r) => ({
      anchor: anchor("repair", r.id),
      id: plain(r.id),
      parts: r.parts.map(partOf),
    })),
    trials: results.trialAttacks.map((a) => ({
      id: plain(a.id),
      text: described(a),
      reference: plain(a.reference),
    })),
    attacks: results.attacks.map((a) => ({
      anchor: anchor("attack", a.id),
      id: plain(a.id),
      text: described(a),
      access: a.access,
      reference: a.reference,
      taxonomy: [
        ...a.taxonomy.atlas,
        ...a.taxonomy.owasp,
        ...a.taxonomy.nist,
      ].join(", "),
    })),
  };
}
