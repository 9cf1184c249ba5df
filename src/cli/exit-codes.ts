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

export function exitCodeOf(verdict: Results["gate"]["verdict"]): number {
  if (verdict === "failed") return exitCodes.gateFailed;
  return verdict === "inconclusive" ? exitCodes.inconclusive : exitCodes.passed;
}
