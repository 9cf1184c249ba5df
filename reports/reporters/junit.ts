import type { Reporter, Results } from "#results";
import { type Judgement, judgementsOf, verdictOf } from "../judgements.ts";
import { element } from "../xml.ts";

/** Rules, cells and trials as test cases, for what reads those of other tests. */
export const junit: Reporter = {
  id: "junit",
  title: "JUnit XML",
  summary:
    "Rules of the gate, cells and trials as test cases. A broken rule fails, what the evidence does not decide or is not trusted is skipped with its reason, and what has no result is an error.",
  reference: "junit-10.xsd of Jenkins' xUnit plugin, after Maven Surefire",
  file: "junit.xml",
  render,
};

function render(results: Results): string {
  const { provenance: p, timing } = results;
  const all = judgementsOf(results);
  const facts: [string, string][] = [
    ["verdict", verdictOf(results)],
    ["suite", `${p.suite.file} sha256 ${p.suite.hash}`],
    ["data", `${p.data.source} ${p.data.fingerprint}`],
    ["samples attacked", String(p.data.attacked)],
    ["seed", String(p.seed)],
    [
      "software",
      `assay ${p.assay}, ${p.engine}, Node ${p.node}, ${p.platform}`,
    ],
  ];
  const suites = ["run", ...new Set(all.map(suiteOf))].map((name, i, names) =>
    names.indexOf(name) < i
      ? []
      : suite(
          name,
          all.filter((one) => suiteOf(one) === name),
          timing.startedAt,
          name === "run" ? facts : [],
        ),
  );
  const root = element(
    "testsuites",
    [["name", results.title], ...counts(all), ["time", time(timing.seconds)]],
    suites.flat(),
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root}\n`;
}

/** Rules stand by themselves, all else with its candidate. */
const suiteOf = ({ of, candidate }: Judgement): string =>
  of === "gate"
    ? "gate"
    : candidate === null
      ? "run"
      : `candidate ${candidate}`;

const tagOf = {
  passed: null,
  failed: "failure",
  inconclusive: "skipped",
  untrusted: "skipped",
  error: "error",
} as const satisfies Record<Judgement["status"], string | null>;

const countOf = (all: readonly Judgement[], tag: string): number =>
  all.filter(({ status }) => tagOf[status] === tag).length;

const counts = (all: readonly Judgement[]): [string, number][] => [
  ["tests", all.length],
  ["failures", countOf(all, "failure")],
  ["errors", countOf(all, "error")],
];

function suite(
  name: string,
  all: readonly Judgement[],
  startedAt: string,
  facts: readonly [string, string][],
): string {
  const seconds = all.reduce((sum, one) => sum + (one.seconds ?? 0), 0);
  const properties = facts.map(([key, value]) =>
    element("property", [
      ["name", key],
      ["value", value],
    ]),
  );
  return element(
    "testsuite",
    [
      ["name", name],
      ...counts(all),
      ["skipped", countOf(all, "skipped")],
      ["time", time(seconds)],
      ["timestamp", startedAt.slice(0, 19)],
    ],
    [
      ...(properties.length > 0 ? [element("properties", [], properties)] : []),
      ...all.map(testcase),
    ],
  );
}

function testcase(one: Judgement): string {
  const tag = tagOf[one.status];
  const name = one.of === "missing" ? `missing ${one.subject}` : one.subject;
  const told = tag
    ? element(
        tag,
        [
          ["type", one.status === "untrusted" ? "not trusted" : one.status],
          ["message", one.message],
        ],
        one.message,
      )
    : element("system-out", [], one.message);
  return element(
    "testcase",
    [
      ["classname", suiteOf(one)],
      ["name", name],
      ["time", time(one.seconds ?? 0)],
    ],
    [told],
  );
}

/** Seconds as the schema has them. */
const time = (seconds: number): string => seconds.toFixed(3);
