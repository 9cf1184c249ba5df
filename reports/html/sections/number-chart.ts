import { scaleLinear, scaleLog } from "d3-scale";
import { area, line } from "d3-shape";
import { percent } from "#core";
import type { Chart } from "#results";
import { interval, numberText, plain } from "../../format.ts";
import { type Axis, frame, marker, round, STYLES } from "./chart.ts";

type Scale = Chart["x"]["scale"];
type Point = Chart["lines"][number]["points"][number];

/** More places than this are rows of the table, and points have no markers. */
const MOST_COLUMNS = 24;

/**
 * Numbers against numbers on axes of any scale, as the partial
 * line-chart.hbs draws them.
 */
export function numberChart(chart: Chart) {
  const { title, x: across, y: up, lines, levels = [] } = chart;
  const points = lines.flatMap((l) => l.points);
  const x = axisOf(
    across.scale,
    points.map((p) => p.x),
    [frame.left, frame.width - frame.right],
    { isAlong: true },
  );
  const y = axisOf(
    up.scale,
    [
      ...points.flatMap((p) => [p.y, p.low ?? p.y, p.high ?? p.y]),
      ...levels.map((level) => level.y),
    ],
    [frame.height - frame.bottom, frame.top],
    { isAlong: false },
  );
  const path = line<Point>(
    (p) => x.at(p.x),
    (p) => y.at(p.y),
  );
  const band = area<Point>(
    (p) => x.at(p.x),
    (p) => y.at(p.low ?? p.y),
    (p) => y.at(p.high ?? p.y),
  );
  const places = [...new Set(points.map((p) => p.x))].sort((a, b) => a - b);
  const crowded = places.length > MOST_COLUMNS;
  return {
    ...frame,
    title: plain(title),
    along: plain(across.label),
    rates: plain(up.label),
    x,
    y,
    x1: frame.width - frame.right,
    y1: frame.height - frame.bottom,
    middle: (frame.left + frame.width - frame.right) / 2,
    levels: levels.map((level) => ({
      at: y.at(level.y),
      label: `${plain(level.label)} ${written(level.y, up.scale)}`,
      labelAt: y.at(level.y) - 4,
    })),
    series: lines.map(({ name, points: own }, i) => ({
      name: plain(name),
      tone: `s${i % STYLES}`,
      marker: marker(i),
      path: path([...own]),
      band: band([...own]),
      // Markers on every point of a long curve would hide it.
      dots: crowded ? [] : own.map((p) => ({ x: x.at(p.x), y: y.at(p.y) })),
    })),
    ...tableOf(chart, places, crowded),
  };
}

/** The numbers of a chart: a row for each line, or for each of many places. */
function tableOf(
  { x, y, lines }: Chart,
  places: readonly number[],
  isLong: boolean,
) {
  const byPlace = lines.map(
    ({ points }) => new Map(points.map((point) => [point.x, point])),
  );
  const value = (line: number, at: number) => {
    const p = byPlace[line]!.get(at);
    return {
      page: undefined,
      value: p ? written(p.y, y.scale) : "-",
      interval:
        p && p.low !== null && p.high !== null
          ? y.scale === "share"
            ? interval({ low: p.low, high: p.high })
            : `[${numberText(p.low)}, ${numberText(p.high)}]`
          : "",
    };
  };
  const names = lines.map(({ name }) => plain(name));
  const ats = places.map((at) => written(at, x.scale));
  if (isLong)
    return {
      column: plain(x.label),
      table: {
        places: names,
        rows: places.map((at, i) => ({
          name: ats[i]!,
          values: lines.map((_, line) => value(line, at)),
        })),
      },
    };
  return {
    column: "Line",
    table: {
      places: ats,
      rows: names.map((name, line) => ({
        name,
        values: places.map((at) => value(line, at)),
      })),
    },
  };
}

const written = (v: number, scale: Scale): string =>
  scale === "share" ? percent(v) : numberText(v);

/**
 * An axis over values. What a logarithm does not take lies at its left end; shares
 * upwards reach 100 %, and across as far as there are any.
 */
function axisOf(
  kind: Scale,
  values: readonly number[],
  range: readonly [number, number],
  { isAlong }: { readonly isAlong: boolean },
): Axis {
  const format = (v: number) =>
    kind === "share" ? `${Number((100 * v).toPrecision(3))} %` : numberText(v);
  if (kind === "log") {
    const shown = values.filter((v) => v > 0);
    const low = Math.floor(Math.log10(Math.min(...shown, 1)) + 1e-9);
    const high = Math.ceil(Math.log10(Math.max(...shown, 10 ** low)) - 1e-9);
    const ends = [10 ** low, 10 ** Math.max(high, low + 1)] as const;
    const scale = scaleLog().domain(ends).range(range);
    return {
      at: (v) => round(scale(Math.max(ends[0], v))),
      ticks: Array.from(
        { length: Math.max(high, low + 1) - low + 1 },
        (_, i) => ({
          at: round(scale(10 ** (low + i))),
          label: format(10 ** (low + i)),
        }),
      ),
    };
  }
  const scale = scaleLinear()
    .domain([Math.min(0, ...values), Math.max(...values, 1e-9)])
    .range(range);
  if (kind === "linear" || isAlong) scale.nice(5);
  else scale.domain([0, 1]);
  const areWhole = kind === "linear" && values.every(Number.isInteger);
  return {
    at: (v) => round(scale(v)),
    ticks: scale
      .ticks(5)
      .filter((v) => !areWhole || Number.isInteger(v))
      .map((v) => ({ at: round(scale(v)), label: format(v) })),
  };
}
