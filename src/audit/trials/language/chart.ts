import type { LanguageAttack } from "#attacks";
import type { Chart } from "../../results/index.ts";
import { shareAt } from "./findings.ts";
import {
  type Draws,
  type Point,
  pointsOf,
  UTILITY,
  worstOf,
} from "./points.ts";
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
  const along = unit.along ?? unit.unit;
  const start: Point = { settings: "", level: 0, seen: [released] };
  const walk = (points: readonly Point[]) => {
    const worst = worstOf(points, released, UTILITY) ?? points[0];
    const same = points.filter((p) => p.settings === worst?.settings);
    // Where fewer is more, as with bits, no attack is not at 0; nor where it was
    // before.
    const [first, last] = [same[0]?.level ?? 0, same.at(-1)?.level ?? 0];
    return first > last || first === start.level ? same : [start, ...same];
  };
  const own = walk(pointsOf(attack));
  const line = (
    name: string,
    points: readonly (Draws & Pick<Point, "level">)[],
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
    title: `What is refused and answered, by ${along}`,
    x: { label: along, scale: unit.along ? "share" : "linear" },
    y: { label: "share of the prompts", scale: "share" },
    lines: [
      ...lines.map(([name, of]) => line(name, own, of)),
      ...hiddenOf(own).map(({ name, points }) =>
        line(`refusals ${name}`, points, "refused"),
      ),
      ...(control.length > 0 && unit.control
        ? [
            line(
              `forbidden answers by ${unit.control.title.toLowerCase()}`,
              walk(pointsOf(control)),
              "forbidden",
            ),
          ]
        : []),
    ],
  };
}

/** What an attack has to hide, along its levels. */
function hiddenOf(points: readonly Point[]) {
  const names = points.at(-1)?.seen[0]?.also ?? [];
  return names.flatMap(({ name, hides }, i) =>
    hides
      ? [
          {
            name,
            points: points
              .filter(({ seen }) => seen[0]!.also.length > 0)
              .map(({ level, seen }) => ({
                level,
                seen: seen.map(({ also }) => also[i]!.said),
              })),
          },
        ]
      : [],
  );
}
