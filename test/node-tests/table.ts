import { decodeModel } from "#onnx";
import type { NodeTest } from "./archive.ts";
import { backward } from "./backward.ts";
import { forward, type Verdict } from "./forward.ts";

/** What became of one test. */
export interface Outcome {
  readonly name: string;
  readonly op: string;
  readonly forward: Verdict;
  /** Undefined when there is nothing to differentiate. */
  readonly backward: Verdict | undefined;
}

export async function outcomeOf(test: NodeTest): Promise<Outcome> {
  const { verdict, graph } = await forward(test);
  const op = opOf(test);
  return {
    name: test.name,
    op,
    forward: verdict,
    backward:
      verdict.kind === "passed" && graph
        ? await backward(graph, test)
        : undefined,
  };
}

/** The operator that a test is about; "…, expanded" where it is written as others. */
function opOf(test: NodeTest): string {
  const isExpanded = test.name.includes("_expanded");
  try {
    const { nodes } = decodeModel(test.model, test.name);
    if (nodes.length === 1) return nodes[0]?.op ?? "?";
  } catch {
    // Its name has to do.
  }
  const [, word = test.name] = test.name.split("_");
  return `${word}${isExpanded ? ", expanded" : " and others"}`;
}

/**
 * The table: operator, cases, forward and gradient passes, and what was
 * refused and why.
 */
export function table(outcomes: readonly Outcome[]): string {
  const ops = grouped(outcomes);
  const rows = [...ops]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([op, own]) => {
      const count = (verdicts: (Verdict | undefined)[], kind: string) =>
        verdicts.filter((v) => v?.kind === kind).length;
      const [there, back] = [
        own.map((o) => o.forward),
        own.map((o) => o.backward),
      ];
      const faults = [...there, ...back].flatMap((v) =>
        v && v.kind !== "passed"
          ? [v.kind === "failed" ? "a known exception" : plain(v.why)]
          : [],
      );
      return [
        op.padEnd(34),
        String(own.length).padStart(5),
        String(count(there, "passed")).padStart(8),
        `${count(back, "passed")}/${back.filter((v) => v).length}`.padStart(9),
        ` ${[...new Set(faults)].join("; ").slice(0, 200)}`,
      ].join("");
    });
  return [
    `${"operator".padEnd(34)}cases forward  gradient refused, and why`,
    ...rows,
  ].join("\n");
}

/** A reason without the names of one test. */
const plain = (why: string) =>
  why.replace(/ "[^"]*"/g, "").replace(/\btest_\w+/g, "it");

function grouped(outcomes: readonly Outcome[]): Map<string, Outcome[]> {
  const groups = new Map<string, Outcome[]>();
  for (const o of outcomes) groups.set(o.op, [...(groups.get(o.op) ?? []), o]);
  return groups;
}
