import type { Results } from "#audit";

/** What the exit status of the command says. */
export const exitCodes = {
  passed: 0,
  runError: 1,
  usage: 2,
  gateFailed: 3,
  inconclusive: 4,
  interrupted: 130,
} as const;

/** Of a run that has come to its end: whatever failed matters more than the gate. */
export function exitCodeOf({
  gate: { verdict },
  failures,
  missing,
  stopped,
}: Pick<Results, "gate" | "failures" | "missing" | "stopped">): number {
  // What a run leaves undone since its gate has failed is no error.
  if (failures || (missing && !stopped)) return exitCodes.runError;
  if (verdict === "failed") return exitCodes.gateFailed;
  return verdict === "inconclusive" ? exitCodes.inconclusive : exitCodes.passed;
}

/** Each status, from the worst on. */
const byBadness: readonly (readonly [number, string])[] = [
  [exitCodes.interrupted, "interrupted"],
  [exitCodes.usage, "refused"],
  [exitCodes.runError, "something failed"],
  [exitCodes.gateFailed, "gate failed"],
  [exitCodes.inconclusive, "inconclusive"],
  [exitCodes.passed, "ok"],
];

/** The worst of several: interrupted, usage, failed, gate, inconclusive, passed. */
export const worstOf = (codes: readonly number[]): number =>
  byBadness.find(([code]) => codes.includes(code))?.[0] ?? exitCodes.passed;

/** An exit status in words. */
export const meaningOf = (code: number): string =>
  byBadness.find(([one]) => one === code)?.[1] ?? `status ${code}`;
