import type { Inheritance, Results } from "#results";
import { budget, mainThreats, plain, pValue, retained } from "../../format.ts";

/**
 * What each candidate has of the robustness of its base: a bar of its samples, and
 * every attack in the table.
 */
export function inheritanceView(results: Results) {
  const { inheritance: rows = [] } = results;
  const threats = mainThreats(results);
  const bars = rows.filter(
    (r) =>
      r.attack === null &&
      r.defense === "none" &&
      threats.some((t) => t.id === r.threatModel),
  );
  return {
    bars: bars.map((row) => {
      const threat = threats.find((t) => t.id === row.threatModel);
      return {
        name: plain(row.candidate),
        reference: plain(row.reference),
        what: threat ? budget(threat) : plain(row.threatModel),
        untrusted: !row.trusted,
        told: told(row),
        segments: segments(row),
      };
    }),
    newHead: rows.some((r) => r.referenceIs !== "base"),
    rows: rows.map((row) => ({
      name: plain(row.candidate),
      reference: plain(row.reference),
      defense: plain(row.defense),
      attack: row.attack === null ? "all at once" : plain(row.attack),
      threat: plain(row.threatModel),
      untrusted: !row.trusted,
      inherited: row.inherited,
      lost: row.lost,
      gained: row.gained,
      neither: row.neither,
      test: pValue(row.pValue),
      ...retained(row),
    })),
  };
}

const parts = [
  ["inherited", "kept"],
  ["lost", "lost"],
  ["gained", "won"],
  ["neither", "neither"],
] as const;

/** Where each share of the samples begins and ends, in percent. */
function segments(row: Inheritance) {
  const n = parts.reduce((sum, [part]) => sum + row[part], 0);
  let x = 0;
  return parts.map(([part, style]) => {
    const width = (100 * row[part]) / Math.max(1, n);
    const segment = {
      x: Number(x.toFixed(2)),
      width: Number(width.toFixed(2)),
      style,
      title: `${row[part]} ${part}`,
    };
    x += width;
    return segment;
  });
}

const told = (row: Inheritance): string => {
  const { value, interval } = retained(row);
  return `${row.inherited} inherited, ${row.lost} lost, ${row.gained} gained, ${row.neither} robust in neither; retains ${value}${interval ? ` ${interval}` : ""}, ${pValue(row.pValue).replaceAll(" ", "\u00a0")}`;
};
