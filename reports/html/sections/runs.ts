import type { Comparison } from "#results";
import { findingText, plain, unbroken } from "../../format.ts";
import { isTold, runsHeadline, runsMethod, runsRows } from "../../runs.ts";

/** More flips of one number than a page lists. */
const MOST_FLIPS = 60;

/** Two runs beside each other; null where a run has no baseline. */
export function runsView(comparison: Comparison | undefined) {
  if (!comparison) return null;
  const rows = runsRows(comparison);
  return {
    headline: unbroken(runsHeadline(comparison)),
    method: unbroken(runsMethod(comparison)),
    differences: comparison.differences.map(plain),
    // What did not change is one click away.
    told: rows.filter(({ of }) => isTold(of)),
    rest: rows.filter(({ of }) => !isTold(of)),
    flips: rows
      .filter(({ of }) => of.flips.length > 0)
      .map(({ of, ...words }) => ({
        ...words,
        list: of.flips.slice(0, MOST_FLIPS).map((flip) => ({
          ...flip,
          fingerprint: flip.fingerprint ?? "-",
        })),
        more: Math.max(0, of.flips.length - MOST_FLIPS),
      })),
    findings: comparison.findings.map((one) => ({
      name: [one.candidate, one.repair, one.trial].map(plain).join(" / "),
      what: plain(one.title) + (one.at ? ` at ${plain(one.at)}` : ""),
      old: found(one, one.old),
      now: found(one, one.new),
    })),
  };
}

type Finding = Comparison["findings"][number];

function found({ unit }: Finding, number: Finding["old"]) {
  if (!number) return { text: "-", interval: "", untrusted: false };
  const { value, low, high, trusted } = number;
  return { ...findingText({ unit, value, low, high }), untrusted: !trusted };
}
