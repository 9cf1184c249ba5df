import { percent } from "#core";
import type { CertificateResult, Results } from "#results";
import { interval, plain } from "../../format.ts";
import { lineChart } from "./line-chart.ts";

/** Certified accuracy against the radius, one chart for each setting. */
export function certificatesView({ certificates }: Results) {
  const groups = new Map<string, CertificateResult[]>();
  for (const one of certificates) {
    const key = JSON.stringify([one.sigma, one.n, one.alpha]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((all) => {
    const [{ sigma, n, n0, alpha, outcomes }] = all as [CertificateResult];
    return {
      chart: lineChart({
        title: `Noise of standard deviation ${sigma}, ${n0} draws to pick the class and ${n} to prove it, ${outcomes.length} samples`,
        along: "L2 radius",
        symbol: "r",
        column: "Candidate",
        rates: "Certified accuracy against the radius",
        series: all.map(({ candidate, curve }) => ({
          name: plain(candidate),
          points: curve.map((p) => ({
            at: p.radius,
            rate: p.certifiedAccuracy,
          })),
        })),
        chance: null,
      }),
      wrong: percent(alpha),
      rows: all.map(({ candidate, accuracy, abstained }) => ({
        name: plain(candidate),
        accuracy: percent(accuracy.value),
        accuracyInterval: interval(accuracy),
        abstained: percent(abstained.value),
        abstainedInterval: interval(abstained),
      })),
    };
  });
}
