import type { Finding, Results, Trial } from "#results";
import { findingText, plain } from "./format.ts";

/** A cell: a share or a number, and its interval. */
type Cell = ReturnType<typeof findingText>;

/** One attack on one language model behind one defence. */
export interface GuardedRow {
  readonly candidate: string;
  readonly attack: string;
  readonly defense: string;
  /** R, C, A and O at the attacker's best, and the steps until half of C come. */
  readonly cells: readonly Cell[];
  readonly trusted: boolean;
}

/** What is told of each, in the order of the cells. */
export const guardedColumns = [
  "refused (R)",
  "forbidden answers (C)",
  "allowed answers (A)",
  "over-refused (O)",
  "steps to break",
] as const;

const ids = [
  "refusals",
  "forbidden-answers",
  "allowed-answers",
  "over-refusals",
  "steps-to-break",
] as const;

/**
 * How every language model, by how it was made, stands against every attack behind
 * every defence; what is not found at the attacker's best is that of the released
 * model.
 */
export function guardedRows({ trials, trialAttacks }: Results): GuardedRow[] {
  const own = new Set(
    trialAttacks.filter((a) => a.kind === "language").map(({ id }) => id),
  );
  return trials
    .filter(({ trial }) => own.has(trial))
    .map((one) => ({
      candidate: plain(one.candidate),
      attack: plain(one.trial),
      defense: one.repair === "none" ? "none" : plain(one.repair),
      cells: ids.map((id) => cellOf(one, id)),
      trusted: one.trusted,
    }));
}

const cellOf = ({ findings }: Trial, id: string): Cell => {
  const found: Finding | undefined =
    findings.find((f) => f.id === id) ??
    findings.find((f) => f.id === `${id}-as-released`);
  return found ? findingText(found) : { text: "", interval: "" };
};
