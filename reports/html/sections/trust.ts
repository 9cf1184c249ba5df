import type { Results } from "#results";
import {
  decidedCells,
  isText,
  onAllHeads,
  plain,
  unbroken,
} from "../../format.ts";
import { pageIn } from "./described.ts";

/**
 * What the mechanical checks found: failures first, the same finding of many
 * cells told once.
 */
export function trustView(results: Results) {
  const found = new Map<
    string,
    {
      title: string;
      status: string;
      findings: { cell: string; page: string | null; message: string }[];
    }
  >();
  const judged = [
    ...results.cells,
    ...decidedCells(results),
    ...onAllHeads(results),
  ];
  for (const cell of judged) {
    for (const check of cell.checks) {
      if (check.status === "passed") continue;
      const key = `${check.status}/${check.id}`;
      const group = found.get(key) ?? {
        title: check.title,
        status: check.status,
        findings: [],
      };
      group.findings.push({
        cell: plain(cell.id),
        page: pageIn(results, cell.id),
        message: unbroken(check.message),
      });
      found.set(key, group);
    }
  }
  const groups = [...found.values()].sort(
    (a, b) =>
      a.status.localeCompare(b.status, "en") ||
      b.findings.length - a.findings.length,
  );
  const untrusted = judged.filter((c) => !c.trusted).length;
  const checks = judged.reduce((sum, c) => sum + c.checks.length, 0);
  return {
    groups: groups.map((g) => ({
      ...g,
      failed: g.status === "failed",
      count: g.findings.length,
    })),
    clean: groups.length === 0,
    warnings: (results.warnings ?? []).map(unbroken),
    untrusted,
    cells: judged.length,
    seen: isText(results)
      ? "attacks kept their budgets and beat random edits, and larger budgets broke more"
      : "attacks kept their budgets, gradients were there, iterated attacks beat single steps and noise, and robustness fell as the budget grew",
    checks,
  };
}
