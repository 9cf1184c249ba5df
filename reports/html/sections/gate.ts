import type { Results } from "#results";
import { errorsInWords, plain, unbroken } from "../../format.ts";

const order = { failed: 0, inconclusive: 1, passed: 2 } as const;

/** The rules of the gate, the broken ones first. */
export function gateView({ gate }: Results) {
  const errors = errorsInWords(gate);
  return {
    rules: gate.rules
      .toSorted((a, b) => order[a.verdict] - order[b.verdict])
      .map((r) => ({
        ...r,
        rule: plain(r.rule),
        subject: plain(r.subject),
        reason: unbroken(r.reason),
        measured: unbroken(r.measured),
      })),
    errors: errors && unbroken(errors),
  };
}
