import { jsonText, sha256 } from "#core";
import type { Kept, Reporter, Results, WorkTime } from "#results";
import { wellFormed } from "../format.ts";
import { caveatsOf, mainCases, verdictOf } from "../judgements.ts";

/** When the works of a run were done, as a trace. */
export const otlp: Reporter = {
  id: "otlp",
  title: "OpenTelemetry trace",
  summary:
    "The run as a trace, with a span for each work that was done while it was watched, sent by --reporter otlp:http://host:4318. Without an address it is a file of OTLP in JSON. Works that were kept from before, and works of a run that has ended, have no times.",
  reference: "OTLP 1.x, JSON Protobuf encoding",
  file: "trace.json",
  render: (results, kept) => jsonText(traceOf(results, kept)),
  send,
};

/** Milliseconds that a collector may take. */
const PATIENCE = 30_000;

async function send(
  results: Results,
  kept: Kept,
  address: string,
): Promise<void> {
  const url = new URL(address);
  if (url.pathname === "/") url.pathname = "/v1/traces";
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(traceOf(results, kept)),
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (!response.ok)
    throw new Error(
      `${url.pathname} answered ${response.status}: ${await response.text()}`,
    );
}

type Attributes = readonly (readonly [
  key: string,
  value: string | number | boolean,
])[];

/** As the protocol writes them, by its mapping of Protobuf to JSON. */
const attributes = (all: Attributes) =>
  all.map(([key, value]) => ({
    key: wellFormed(key),
    value:
      typeof value === "string"
        ? { stringValue: wellFormed(value) }
        : typeof value === "boolean"
          ? { boolValue: value }
          : { doubleValue: value },
  }));

const INTERNAL = 1;
const STATUS_ERROR = 2;

function traceOf(results: Results, { works }: Kept) {
  const { provenance: p, timing, title } = results;
  const id = sha256(JSON.stringify([p.suite.hash, timing, title]));
  const traceId = id.slice(0, 32);
  const rootId = id.slice(32, 48);
  const { failures = [], missing = [] } = results;
  const root = {
    traceId,
    spanId: rootId,
    name: wellFormed(title) || "audit",
    kind: INTERNAL,
    startTimeUnixNano: nanoseconds(Date.parse(timing.startedAt)),
    endTimeUnixNano: nanoseconds(Date.parse(timing.finishedAt)),
    attributes: attributes([
      ["assay.verdict", verdictOf(results)],
      ["assay.suite", p.suite.file],
      ["assay.suite.sha256", p.suite.hash],
      ["assay.seed", p.seed],
      ["assay.engine", p.engine],
      ["assay.failed", failures.length],
      ["assay.missing", missing.length],
      ...mainCases(results)
        .filter(({ evaluated }) => evaluated)
        .flatMap((w): Attributes => {
          const name = `assay.robust_accuracy.${w.candidate}.${w.defense}.${w.threatModel}`;
          return [
            [name, w.robustAccuracy.value],
            [`${name}.low`, w.robustAccuracy.low],
            [`${name}.high`, w.robustAccuracy.high],
            [`${name}.trusted`, w.trusted],
            [`${name}.caveats`, caveatsOf(results, w).join(", ")],
          ];
        }),
    ]),
    status: failures.length > 0 ? failed(failures[0]!.message) : {},
  };
  return {
    resourceSpans: [
      {
        resource: {
          attributes: attributes([
            ["service.name", "assay"],
            ["service.version", p.assay],
          ]),
        },
        scopeSpans: [
          {
            scope: { name: "assay", version: p.assay },
            spans: [
              root,
              ...works.map((one) => spanOf(results, one, traceId, rootId)),
            ],
          },
        ],
      },
    ],
  };
}

function spanOf(
  { cells, trials }: Results,
  { work, kind, start, end, failure }: WorkTime,
  traceId: string,
  parentSpanId: string,
) {
  const cell = cells.find(({ id }) => work === `cell ${id}`);
  const trial = trials.find(({ id }) => work === `trial ${id}`);
  return {
    traceId,
    spanId: sha256(`${traceId} ${work} ${start}`).slice(0, 16),
    parentSpanId,
    name: wellFormed(work) || "work",
    kind: INTERNAL,
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributes([
      ["assay.work.kind", kind],
      ...(cell
        ? ([
            ["assay.robust_accuracy", cell.robustAccuracy.value],
            ["assay.robust_accuracy.low", cell.robustAccuracy.low],
            ["assay.robust_accuracy.high", cell.robustAccuracy.high],
            ["assay.trusted", cell.trusted],
          ] as const)
        : []),
      ...(trial ? ([["assay.trusted", trial.trusted]] as const) : []),
    ]),
    status: failure === null ? {} : failed(failure),
  };
}

const failed = (message: string) => ({
  code: STATUS_ERROR,
  message: wellFormed(message),
});

/** Milliseconds as the text of a whole number of nanoseconds. */
const nanoseconds = (milliseconds: number): string =>
  String(BigInt(Math.round(1000 * milliseconds)) * 1000n);
