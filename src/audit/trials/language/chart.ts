import type { LanguageAttack } from "#attacks";
import type { Chart } from "../../results/index.ts";
import { type Point, pointsOf, shareAt, UTILITY, worstOf } from "./findings.ts";
import type { Measured } from "./seen.ts";

const lines = [
  ["forbidden answers", "forbidden"],
  ["refusals", "refused"],
  ["allowed answers", "right"],
  ["refusals of allowed prompts", "overRefused"],
] as const;

/**
 * All four shares over the levels, at the settings that broke most, and the control.
 */
export function chartOf(unit: LanguageAttack, measured: Measured): Chart {
  const { released, attack, control } = measured;
  const start: Point = { settings: "", level: 0, seen: [released] };
  const along = (points: readonly Point[]) => {
    const worst = worstOf(points, released, UTILITY) ?? points[0];
    return [start, ...points.filter((p) => p.settings === worst?.settings)];
  };
  const own = along(pointsOf(attack));
  const line = (
    name: string,
    points: readonly Point[],
    of: (typeof lines)[number][1],
  ) => ({
    name,
    points: points.map((point) => {
      const words = {
        id: of,
        title: name,
        role: "detail",
        attacker: null,
      } as const;
      const { value, low, high } = shareAt(words, point, of);
      return { x: point.level, y: value ?? 0, low, high };
    }),
  });
  return {
    id: "language",
    title: `What is refused and answered, by ${unit.unit}`,
    x: { label: unit.unit, scale: "linear" },
    y: { label: "share of the prompts", scale: "share" },
    lines: [
      ...lines.map(([name, of]) => line(name, own, of)),
      ...(control.length > 0 && unit.control
        ? [
            line(
              `forbidden answers by ${unit.control.title.toLowerCase()}`,
              along(pointsOf(control)),
              "forbidden",
            ),
          ]
        : []),
    ],
  };
}
