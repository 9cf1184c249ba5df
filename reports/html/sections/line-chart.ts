import { area, line } from "d3-shape";
import { percent } from "#core";
import type { Rate } from "#results";
import { interval } from "../../format.ts";
import { axis, frame, marker, STYLES } from "./chart.ts";

/** Rates against a number, a line for each series. */
export interface Lines {
  readonly title: string;
  /** Of the axis below, and what stands before a number of it in the table. */
  readonly along: string;
  readonly symbol: string;
  /** Whether the numbers of that axis are shares, so that they are in percent. */
  readonly isShare?: boolean;
  /** What each line is of, over their names in the table. */
  readonly column: string;
  /** What the rates are, for who cannot see the chart. */
  readonly rates: string;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly {
      readonly at: number;
      readonly rate: Rate;
      /** Of the page of its cell; left out where it is of none. */
      readonly page?: string | undefined;
    }[];
  }[];
  /** A share that guessing reaches; null for no such line. */
  readonly chance: number | null;
  /** Upright lines, by their class in the style sheet; none when left out. */
  readonly marks?: readonly { readonly at: number; readonly style: string }[];
}

/** What the partial line-chart.hbs draws, with a table of the same numbers. */
export function lineChart({
  series,
  chance,
  marks = [],
  isShare = false,
  ...words
}: Lines) {
  type Point = Lines["series"][number]["points"][number];
  const places = [
    ...new Set(series.flatMap(({ points }) => points.map((p) => p.at))),
  ].sort((a, b) => a - b);
  const placed = (at: number, digits: number) =>
    isShare
      ? `${Number((100 * at).toPrecision(3))} %`
      : String(Number(at.toPrecision(digits)));
  const across = axis(
    [0, places.at(-1) ?? 1],
    [frame.left, frame.width - frame.right],
    (v) => placed(v, 3),
    6,
  );
  // Between whole ones, such as epochs, there is nothing.
  const areWhole = !isShare && places.every(Number.isInteger);
  const x = {
    ...across,
    ticks: across.ticks.filter(
      ({ label }) => !areWhole || Number.isInteger(Number(label)),
    ),
  };
  const y = axis(
    [0, 1],
    [frame.height - frame.bottom, frame.top],
    (v) => `${Math.round(100 * v)} %`,
  );
  const path = line<Point>(
    (p) => x.at(p.at),
    (p) => y.at(p.rate.value),
  );
  const band = area<Point>(
    (p) => x.at(p.at),
    (p) => y.at(p.rate.low),
    (p) => y.at(p.rate.high),
  );
  return {
    ...words,
    ...frame,
    x,
    y,
    x1: frame.width - frame.right,
    y1: frame.height - frame.bottom,
    middle: (frame.left + frame.width - frame.right) / 2,
    levels:
      chance === null
        ? []
        : [
            {
              at: y.at(chance),
              label: `chance ${Math.round(100 * chance)} %`,
              labelAt: y.at(chance) - 4,
            },
          ],
    marks: marks.map(({ at, style }) => ({ x: x.at(at), style })),
    series: series.map(({ name, points }, i) => ({
      name,
      tone: `s${i % STYLES}`,
      marker: marker(i),
      path: path([...points]),
      band: band([...points]),
      dots: points.map((p) => ({ x: x.at(p.at), y: y.at(p.rate.value) })),
    })),
    table: {
      places: places.map((at) => `${words.symbol} = ${placed(at, 4)}`),
      rows: series.map(({ name, points }) => ({
        name,
        values: places.map((at) => {
          const { rate, page } = points.find((p) => p.at === at) ?? {};
          return {
            page,
            value: rate ? percent(rate.value) : "-",
            interval: rate ? interval(rate) : "",
          };
        }),
      })),
    },
  };
}
