import { percent } from "#core";
import type { Results } from "#results";
import { withoutParts } from "../../failures.ts";
import { budget, plain } from "../../format.ts";

/**
 * Candidates that were trained from several seeds: what training and what sampling add
 * to a number's doubt.
 */
export function seedsView({ seeds, threatModels }: Results) {
  const points = (share: number) => `${(100 * share).toFixed(1)} points`;
  return seeds.map((s) => {
    const threat = threatModels.find((t) => t.id === s.threatModel);
    return {
      candidate: plain(s.candidate),
      defense: plain(s.defense),
      what: threat ? `${plain(threat.id)} (${budget(threat)})` : "clean",
      mean: percent(s.mean),
      interval: `[${(100 * s.low).toFixed(1)}, ${(100 * s.high).toFixed(1)}]`,
      values: s.values.map((v) => percent(v)).join(", "),
      betweenSeeds: points(s.betweenSeeds),
      samplingError: points(s.samplingError),
      part: s.planned ? `of ${s.values.length} of ${s.planned} seeds` : "",
      without: withoutParts(s.missing),
    };
  });
}
