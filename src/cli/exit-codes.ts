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
}: Pick<Results, "gate" | "failures" | "missing">): number {
  if (failures || missing) return exitCodes.runError;
  if (verdict === "failed") return exitCodes.gateFailed;
  return verdict === "inconclusive" ? exitCodes.inconclusive : exitCodes.passed;
}
