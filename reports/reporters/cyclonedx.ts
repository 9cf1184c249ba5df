import { jsonText, sha256 } from "#core";
import type { Rate, Reporter, Results } from "#results";
import { coverageOf, coveredText } from "../coverage.ts";
import { budget, findingText, headline, isText, madeBy } from "../format.ts";
import { caveatsOf, openOnes, verdictOf, withCaveats } from "../judgements.ts";
import { limitsOf } from "../limits.ts";
import { taskOf } from "../task.ts";

/** The candidates as a bill of materials of machine learning. */
export const cyclonedx: Reporter = {
  id: "cyclonedx",
  title: "CycloneDX ML-BOM",
  summary:
    "Candidates as machine learning models with their hashes, the base that they come from, the data, and accuracies with intervals as performance metrics; what is not trusted says so.",
  reference: "CycloneDX 1.6, ECMA-424",
  file: "bom.cdx.json",
  render: (results) => jsonText(bomOf(results)),
};

type Candidate = Results["candidates"][number];

const DATA = "data";

function bomOf(results: Results) {
  const { provenance: p, timing, candidates } = results;
  const { failures = [], missing = [] } = results;
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(results)}`,
    version: 1,
    metadata: {
      timestamp: timing.finishedAt,
      lifecycles: [{ name: "audit", description: results.title }],
      tools: {
        components: [{ type: "application", name: "assay", version: p.assay }],
      },
      properties: [
        property("verdict", verdictOf(results)),
        property("suite", `${p.suite.file} sha256 ${p.suite.hash}`),
        property("seed", String(p.seed)),
        property("engine", p.engine),
        ...results.gate.rules.map((r) =>
          property(
            `rule:${r.verdict}`,
            `${r.rule} of ${r.subject}: ${r.reason}`,
          ),
        ),
        ...failures.map((f) => property("failed", `${f.work}: ${f.message}`)),
        ...missing.map((m) => property("missing", `${m.what} ${m.id}`)),
        ...coverageOf(results).flatMap(({ list, rows }) =>
          rows.map((row) =>
            property(
              "coverage",
              `${list}, ${row.id} ${row.name}: ${coveredText(row)}`,
            ),
          ),
        ),
      ],
    },
    components: [
      {
        type: "data",
        "bom-ref": DATA,
        name: p.data.source,
        description:
          "Its hash is over samples, labels and classes as they are attacked, not over files.",
        hashes: [{ alg: "SHA-256", content: p.data.fingerprint }],
        data: [{ type: "dataset", name: p.data.source }],
        properties: (["train", "validation", "test", "attacked"] as const).map(
          (part) => property(`samples:${part}`, String(p.data[part])),
        ),
      },
      ...candidates.map((one, i) => component(results, one, i)),
    ],
    dependencies: [
      { ref: DATA },
      ...candidates.map((_, i) => ({ ref: refOf(i), dependsOn: [DATA] })),
    ],
  };
}

const refOf = (index: number): string => `candidate-${index + 1}`;

const property = (name: string, value: string) => ({
  name: `assay:${name}`,
  value,
});

/**
 * The same for the same results, of version 8: a UUID by an own scheme (RFC 9562).
 */
function uuidOf(results: Results): string {
  const hex = sha256(JSON.stringify(results));
  const variant = "89ab"[Number.parseInt(hex[16]!, 16) % 4];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

function component(results: Results, candidate: Candidate, index: number) {
  const { id, file, hash, origin, lineage } = candidate;
  return {
    type: "machine-learning-model",
    "bom-ref": refOf(index),
    name: id,
    description: madeBy(candidate),
    // The hash of a given model covers its weights beside it, so it is that of no file.
    hashes:
      origin === "tuned" ? [{ alg: "SHA-256", content: hash }] : undefined,
    pedigree: pedigreeOf(results, candidate),
    modelCard: {
      modelParameters: {
        approach: { type: "supervised" },
        task: taskOf(results),
        datasets: [{ ref: DATA }],
        inputs: [{ format: isText(results) ? "text" : "tensor" }],
        outputs: [{ format: results.task?.kind ?? "class" }],
      },
      quantitativeAnalysis: {
        performanceMetrics: metricsOf(results, candidate),
      },
      considerations: {
        technicalLimitations: [
          ...limitsOf(results).map((text) => `Not tested: ${text}`),
          ...openOnes(results)
            .filter((one) => one.candidate === id)
            .map(({ subject, message }) => `${subject}: ${message}`),
        ],
      },
    },
    properties: [
      property("hash", hash),
      property("file", file),
      property("origin", origin),
      property("parameters", String(candidate.parameters)),
      ...(lineage
        ? [
            property("strategy", lineage.strategy),
            property("training-data", lineage.dataHash),
            property("training-seed", String(lineage.seed)),
          ]
        : []),
    ],
  };
}

/** The base that a candidate comes from, where that is known. */
function pedigreeOf({ base }: Results, { lineage }: Candidate) {
  if (!base || lineage?.baseHash !== base.hash) return undefined;
  return {
    ancestors: [
      {
        type: "machine-learning-model",
        name: base.file,
        hashes:
          base.origin === "pre-trained"
            ? [{ alg: "SHA-256", content: base.hash }]
            : undefined,
        properties: [
          property("hash", base.hash),
          property("origin", base.origin),
          property("parameters", String(base.parameters)),
        ],
      },
    ],
  };
}

/** Accuracies and headlines of trials; each says what it is of, and its interval. */
function metricsOf(results: Results, { id, cleanAccuracy }: Candidate) {
  const threats = new Map(results.threatModels.map((t) => [t.id, t]));
  return [
    rate(
      "accuracy",
      `clean, test split, ${cleanAccuracy.n} samples`,
      cleanAccuracy,
    ),
    ...results.worstCases
      .filter((w) => w.candidate === id && w.evaluated)
      .map((w) => {
        const threat = threats.get(w.threatModel);
        return rate(
          withCaveats("robust accuracy", caveatsOf(results, w)),
          `defence ${w.defense}, threat model ${w.threatModel}${threat ? ` (${budget(threat)})` : ""}, worst case of ${w.attacks.join(", ")}, ${w.robustAccuracy.n} samples`,
          w.robustAccuracy,
        );
      }),
    ...results.trials
      .filter((trial) => trial.candidate === id)
      .flatMap((trial) => {
        const found = headline(trial);
        if (!found) return [];
        const { value, low, high } = found;
        return [
          {
            type: withCaveats(
              found.title,
              trial.trusted ? [] : ["not trusted"],
            ),
            slice: `attack on the fine-tuning ${trial.trial}, repair ${trial.repair}`,
            value: value === null ? findingText(found).text : String(value),
            confidenceInterval:
              low !== null && high !== null
                ? { lowerBound: String(low), upperBound: String(high) }
                : undefined,
          },
        ];
      }),
  ];
}

const rate = (type: string, slice: string, { value, low, high }: Rate) => ({
  type,
  slice,
  value: String(value),
  confidenceInterval: { lowerBound: String(low), upperBound: String(high) },
});
