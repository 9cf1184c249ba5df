import { percent } from "#core";
import type { Rate, Results } from "#results";
import { budget, interval, plain, points } from "../../format.ts";

/** Robust accuracy on the target domain beside that on the source. */
export function domainsView(results: Results) {
  return (results.domains ?? []).map((d) => {
    const threat = results.threatModels.find((t) => t.id === d.threatModel);
    return {
      candidate: plain(d.candidate),
      defense: plain(d.defense),
      attack: d.attack === null ? "all at once" : plain(d.attack),
      all: d.attack === null,
      threat: threat
        ? `${plain(threat.id)} (${budget(threat)})`
        : plain(d.threatModel),
      sides: [d.target, d.source].map((side) => ({
        clean: cell(side.cleanAccuracy),
        robust: cell(side.robustAccuracy),
      })),
      difference: points(d.difference.value),
      interval: interval(d.difference),
      paired: d.paired,
      untrusted: !d.trusted,
    };
  });
}

const cell = (rate: Rate) => ({
  value: percent(rate.value),
  interval: interval(rate),
});
