import { scaleLinear, scaleLog } from "d3-scale";
import { whole } from "../../format.ts";

/** The frame of every line chart, in SVG units. */
export const frame = {
  width: 510,
  height: 300,
  left: 56,
  right: 20,
  top: 16,
  bottom: 40,
};

/**
 * Series are told apart by colour, dash and marker; the classes s0 to s4 are in
 * the style sheet.
 */
export const STYLES = 5;

const markers = [
  "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
  "M-4,-4h8v8h-8z",
  "M0,-5l5,9h-10z",
  "M0,5l5,-9h-10z",
  "M0,-5l5,5l-5,5l-5,-5z",
];
export const marker = (i: number): string => markers[i % markers.length]!;

export const round = (v: number): number => Number(v.toFixed(1));

export interface Axis {
  readonly at: (v: number) => number;
  readonly ticks: readonly { at: number; label: string }[];
}

/** A linear axis with readable ticks. */
export function axis(
  domain: readonly [number, number],
  range: readonly [number, number],
  format: (v: number) => string,
  count = 5,
): Axis {
  const scale = scaleLinear().domain(domain).range(range);
  return {
    at: (v) => round(scale(v)),
    ticks: scale
      .ticks(count)
      .map((v) => ({ at: round(scale(v)), label: format(v) })),
  };
}

/** A logarithmic axis from 1 with a tick for each power of ten. */
export function logAxis(
  largest: number,
  range: readonly [number, number],
): Axis {
  const powers = Math.max(1, Math.ceil(Math.log10(largest)));
  const scale = scaleLog()
    .domain([1, 10 ** powers])
    .range(range);
  return {
    at: (v) => round(scale(Math.max(1, v))),
    ticks: Array.from({ length: powers + 1 }, (_, i) => ({
      at: round(scale(10 ** i)),
      label: whole(10 ** i),
    })),
  };
}

/**
 * A path through points in whole units of the frame, as moves from one to the next.
 * What lies between others on one level or upright is left out, so that a long curve
 * takes as few bytes as the eye tells apart.
 */
export function slimPath(
  points: readonly (readonly [x: number, y: number])[],
): string {
  const moves: [number, number][] = [];
  const whole = points.map(([x, y]) => [Math.round(x), Math.round(y)] as const);
  for (const [i, [x, y]] of whole.entries()) {
    const [fromX, fromY] = whole[i - 1] ?? [x, y];
    const [right, down] = [x - fromX, y - fromY];
    const last = moves.at(-1);
    if (right === 0 && down === 0) continue;
    if (
      last &&
      ((last[0] === 0 && right === 0) || (last[1] === 0 && down === 0))
    )
      moves[moves.length - 1] = [last[0] + right, last[1] + down];
    else moves.push([right, down]);
  }
  const start = whole[0] ? `M${whole[0][0]},${whole[0][1]}` : "";
  return start.concat(
    ...moves.map(([right, down]) =>
      down === 0 ? `h${right}` : right === 0 ? `v${down}` : `l${right},${down}`,
    ),
  );
}
