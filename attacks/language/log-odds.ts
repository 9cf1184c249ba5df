import { logSumExp } from "#core";

/**
 * How far a model leans towards a refusal before it says anything: log P - log(1 - P)
 * of the tokens that refusals begin with, at the last place of the prompt, in nats
 * (Arditi et al. 2024, arXiv:2406.11717). Nothing is decoded for it.
 *
 * @param logs log p of every token as the first of the answer
 * @param refusals how refusals begin
 */
export function refusalLogOdds(
  logs: Float32Array,
  refusals: readonly (readonly number[])[],
): number {
  const first = new Set(refusals.flatMap((tokens) => tokens.slice(0, 1)));
  const [yes, no]: [number[], number[]] = [[], []];
  for (const [token, log] of logs.entries())
    (first.has(token) ? yes : no).push(log);
  return logSumExp(yes) - logSumExp(no);
}
