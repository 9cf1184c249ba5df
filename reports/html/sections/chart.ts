import { scaleLinear, scaleLog } from "d3-scale";
import { whole } from "../../format.ts";

/** The frame of every line chart, in SVG units. */
export const frame = {
  width: 640,
  height: 300,
  left: 52,
  right: 150,
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

/** Positions for labels that would overlap: kept in order and at least `gap` apart. */
export function spread(positions: readonly number[], gap = 15): number[] {
  const order = positions
    .map((at, i) => ({ at, i }))
    .sort((a, b) => a.at - b.at);
  const placed = new Array<number>(positions.length).fill(0);
  let last = Number.NEGATIVE_INFINITY;
  for (const { at, i } of order) {
    last = Math.max(at, last + gap);
    placed[i] = round(last);
  }
  const over = last - (frame.height - frame.bottom);
  return over > 0 ? placed.map((p) => round(p - over)) : placed;
}
