import { jsonText, sha256 } from "#core";
import type { Reporter, Results } from "#results";
import {
  caveatsOf,
  type Judgement,
  mainCases,
  oneLine,
  openOnes,
  verdictOf,
} from "../judgements.ts";
import { suiteUri } from "../suite-file.ts";
import { taxonomies } from "../taxonomies.ts";

/** What is no pass, as findings of static analysis are exchanged. */
export const sarif: Reporter = {
  id: "sarif",
  title: "SARIF",
  summary:
    "Rules, trust checks and works that are no pass, as results of static analysis at the suite's file, for code scanning of GitHub and others.",
  reference: "SARIF 2.1.0, OASIS",
  file: "assay.sarif",
  render: (results) => jsonText(documentOf(results)),
};

/** As many as GitHub takes of one run. */
const MOST = 5000;

const levels = {
  failed: "error",
  error: "error",
  inconclusive: "warning",
  untrusted: "warning",
  passed: "none",
} as const satisfies Record<Judgement["status"], string>;

function documentOf(results: Results) {
  const { provenance: p, timing, title } = results;
  const { failures = [], missing = [], gate } = results;
  const findings = openOnes(results).flatMap((one) =>
    one.reasons.map((reason) => ({ one, reason })),
  );
  const worstFirst = findings.toSorted(
    (a, b) => order(a.one.status) - order(b.one.status),
  );
  const shown = worstFirst.slice(0, MOST);
  const rules = [
    ...new Map(shown.map(({ reason }) => [reason.rule, reason])).values(),
  ];
  const indices = new Map(rules.map(({ rule }, i) => [rule, i]));
  const lists = taxaOf(results);
  const left = findings.length - shown.length;
  return {
    $schema:
      "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "Assay",
            semanticVersion: p.assay,
            rules: rules.map(({ rule, title }) => ({
              id: rule,
              name: rule,
              shortDescription: { text: oneLine(title) },
              help: helpOf(rule),
            })),
            supportedTaxonomies: lists.map(({ name }, index) => ({
              name,
              index,
            })),
          },
        },
        automationDetails: {
          description: { text: title },
          id: `assay/${p.suite.hash.slice(0, 12)}/`,
        },
        invocations: [
          {
            executionSuccessful: failures.length === 0 && missing.length === 0,
            startTimeUtc: timing.startedAt,
            endTimeUtc: timing.finishedAt,
            toolExecutionNotifications: [
              {
                level: "note",
                message: { text: `Gate: ${verdictOf(results)}` },
              },
              ...(left > 0
                ? [
                    {
                      level: "warning",
                      message: { text: `${left} more findings, in the report` },
                    },
                  ]
                : []),
            ],
          },
        ],
        columnKind: "utf16CodeUnits",
        taxonomies: lists.map(({ name, organization, version, ids }) => ({
          name,
          organization,
          version,
          taxa: ids.map(([id, title]) => ({ id, name: title })),
        })),
        results: shown.map(({ one, reason }) => ({
          ruleId: reason.rule,
          ruleIndex: indices.get(reason.rule),
          level: levels[one.status],
          message: { text: `${one.subject}: ${reason.message}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: suiteUri(results) },
                region: { startLine: 1 },
              },
              logicalLocations: [
                { fullyQualifiedName: one.subject, kind: one.of },
              ],
            },
          ],
          // Numbers are not in it, so that a finding stays the same one.
          partialFingerprints: {
            "assay/v1": sha256(JSON.stringify([reason.rule, one.subject])),
          },
          taxa: taxaRefs(results, one, lists),
        })),
        properties: {
          verdict: verdictOf(results),
          rules: gate.rules,
          cleanAccuracy: results.candidates.map(({ id, cleanAccuracy }) => ({
            candidate: id,
            ...cleanAccuracy,
          })),
          worstCases: mainCases(results).map((w) => ({
            candidate: w.candidate,
            defense: w.defense,
            threatModel: w.threatModel,
            evaluated: w.evaluated,
            trusted: w.trusted,
            caveats: caveatsOf(results, w),
            ...w.robustAccuracy,
          })),
          missing: missing.map(({ what, id }) => ({ what, id })),
        },
      },
    ],
  };
}

const ranks = ["failed", "error", "inconclusive", "untrusted"];
const order = (status: Judgement["status"]): number => ranks.indexOf(status);

const helps: Readonly<Record<string, string>> = {
  gate: "A rule of the suite's gate. It fails where the whole interval is beyond the limit, at a confidence that all rules share, and is inconclusive where it is not, and the 95 % interval is not within it either, a number is not trusted, or a result that could change it is missing. The numbers stand in report.html; docs/trust.md of Assay says how they are made.",
  trust:
    "A trust check that failed: the number may be an artefact, most often of an attack that is too weak, and passes no rule of the gate. The message says what was seen and what to do; docs/trust.md of Assay says what each check looks at.",
  failed:
    "A work that failed. What needs it has no result; the same command tries only what is missing again.",
  missing:
    "A result that was planned and is not there, since a work failed that it needs. The same command tries only what is missing again.",
};

const helpOf = (rule: string) => {
  const text = helps[rule.split("/", 1)[0]!]!;
  return { text, markdown: text };
};

interface List {
  readonly name: string;
  readonly organization: string;
  readonly version: string;
  readonly key: (typeof taxonomies)[number]["key"];
  readonly ids: readonly (readonly [id: string, name: string])[];
}

/** Of each list what an attack of these results names. */
function taxaOf({ attacks, trialAttacks }: Results): List[] {
  const all = [...attacks, ...trialAttacks];
  return taxonomies.map(({ key, name, organization, version, entries }) => {
    const known = new Map(entries);
    const used = new Set(all.flatMap(({ taxonomy }) => taxonomy[key]));
    return {
      key,
      name,
      organization,
      version,
      ids: [...used].map((id) => [id, known.get(id) ?? id] as const),
    };
  });
}

/** The threats that the attack behind a finding stands for. */
function taxaRefs(results: Results, one: Judgement, lists: readonly List[]) {
  const cell = results.cells.find(({ id }) => id === one.subject);
  const trial = results.trials.find(({ id }) => id === one.subject);
  const attack =
    one.of === "cell"
      ? results.attacks.find(({ id }) => id === cell?.attack)
      : results.trialAttacks.find(({ id }) => id === trial?.trial);
  if (!attack || (one.of !== "cell" && one.of !== "trial")) return [];
  return lists.flatMap(({ key, name, ids }, list) =>
    attack.taxonomy[key].map((id) => ({
      id,
      index: ids.findIndex(([known]) => known === id),
      toolComponent: { name, index: list },
    })),
  );
}
