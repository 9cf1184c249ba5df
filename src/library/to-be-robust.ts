import { checkArgument, evaluateGate, gateSchema, readResults } from "#audit";
import type { Results } from "#results";

/** What results are asked to be. */
export interface Robustness {
  /**
   * Least robust accuracy, in [0, 1] or as a fraction such as "1/2": of the worst case
   * over all attacks that count.
   */
  readonly min: number | string;
  /** Of every one when left out. */
  readonly threatModel?: string;
  readonly candidate?: string;
  readonly defense?: string;
}

/** What `expect` of Vitest and Jest takes. */
export interface Matched {
  readonly pass: boolean;
  message(): string;
}

/**
 * Whether results, or those in a file or the folder of a run, show that models are
 * robust: by the gate rule `robustAccuracy` of a suite. A number passes when its whole
 * interval does and it is trusted. One that cannot be told passes neither
 * `expect(results).toBeRobust(...)` nor `expect(results).not.toBeRobust(...)`.
 *
 * @throws ARGUMENT_INVALID; GATE_NAME for a name that is not in the results;
 *   RESULTS_INVALID
 * @example
 * ```ts
 * import { readResults } from "assay";
 * import { toBeRobust } from "assay/matchers";
 *
 * const { pass, message } = toBeRobust(readResults("runs/first"), { min: 0.99 });
 * console.log(pass); // false
 * console.log(message());
 * ```
 */
export function toBeRobust(
  this: unknown,
  received: Results | string,
  robustness: Robustness,
): Matched {
  const results =
    typeof received === "string" ? readResults(received) : received;
  const rules = checkArgument(
    [{ robustAccuracy: robustness }],
    "robustness",
    gateSchema,
  );
  const { verdict, rules: rows } = evaluateGate(rules, {
    ...results,
    planned: results.candidates,
  });
  const isNot = (this as { isNot?: boolean } | undefined)?.isNot === true;
  const told = rows.filter((row) =>
    isNot ? row.verdict !== "failed" : row.verdict !== "passed",
  );
  return {
    pass: isNot ? verdict !== "failed" : verdict === "passed",
    message: () =>
      [
        `expected the results ${isNot ? "not " : ""}to be robust (${verdict})`,
        ...told.map(({ subject, reason }) => `${subject}: ${reason}`),
      ].join("\n"),
  };
}
