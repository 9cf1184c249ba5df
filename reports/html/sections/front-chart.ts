import { line } from "d3-shape";
import { percent } from "#core";
import type { Rate, Results, WorstCase } from "#results";
import {
  budget,
  cleanBehind,
  interval,
  mainThreats,
  plain,
} from "../../format.ts";
import { axis, round } from "./chart.ts";

/** A small frame, in SVG units: several of these stand side by side. */
const frame = {
  width: 400,
  height: 250,
  left: 64,
  right: 24,
  top: 12,
  bottom: 42,
};

/** So many points besides the front have names; more would hide each other. */
const NAMED = 6;

/** Letters are about so wide, in SVG units. */
const LETTER = 6.6;

interface Point {
  readonly name: string;
  readonly clean: Rate;
  readonly robust: Rate;
  readonly worst: WorstCase;
  /** Trusted, and of a defence that was attacked. */
  readonly isSound: boolean;
  readonly isTaken: boolean;
  readonly isFront: boolean;
}

/**
 * Clean against worst-case robust accuracy of every candidate behind every defence, one
 * picture for each budget and task, with intervals and the front: those that no other
 * exceeds in one of both without being below it in the other, by their values.
 */
export function frontCharts(results: Results) {
  const tasks = [...new Set(results.candidates.map(taskOf))];
  return tasks.flatMap((task) =>
    mainThreats(results).flatMap((threat) => {
      const points = pointsOf(results, threat.id, task);
      if (points.length === 0) return [];
      const at = `${plain(threat.id)} (${budget(threat)})`;
      return [
        drawn(points, {
          title: `${tasks.length > 1 ? `Task ${plain(task)}, ` : ""}${at}`,
        }),
      ];
    }),
  );
}

/** "main" is the task of candidates that have one. */
const taskOf = ({ member }: Results["candidates"][number]): string =>
  member?.task ?? "main";

function pointsOf(
  results: Results,
  threatModel: string,
  task: string,
): Point[] {
  const own = results.candidates.filter((one) => taskOf(one) === task);
  const taken = results.recommendations?.map(({ take }) => take) ?? [];
  const all = results.worstCases.flatMap((worst) => {
    const candidate = own.find(({ id }) => id === worst.candidate);
    const clean = candidate && cleanBehind(results, candidate, worst.defense);
    if (worst.threatModel !== threatModel || !clean) return [];
    return {
      name:
        worst.defense === "none"
          ? plain(worst.candidate)
          : `${plain(worst.candidate)} + ${plain(worst.defense)}`,
      clean,
      robust: worst.robustAccuracy,
      worst,
      isSound: worst.trusted && worst.evaluated,
      isTaken: taken.some(
        (one) =>
          one?.candidate === worst.candidate && one.defense === worst.defense,
      ),
    };
  });
  const sound = all.filter(({ isSound }) => isSound);
  return all.map((one) => ({
    ...one,
    isFront: one.isSound && !sound.some((other) => exceeds(other, one)),
  }));
}

type Place = Pick<Point, "clean" | "robust">;

/** Whether one is as good as the other in both, and better in one. */
const exceeds = (one: Place, other: Place): boolean =>
  one.clean.value >= other.clean.value &&
  one.robust.value >= other.robust.value &&
  (one.clean.value > other.clean.value ||
    one.robust.value > other.robust.value);

/** A point where it stands in the picture. */
interface Placed {
  readonly x: number;
  readonly y: number;
  readonly p: Point;
}

function drawn(points: readonly Point[], { title }: { title: string }) {
  const { width, height, left, right, top, bottom } = frame;
  const share = (v: number) => `${Math.round(100 * v)} %`;
  const x = axis(
    domainOf(points.map((p) => p.clean)),
    [left, width - right],
    share,
    4,
  );
  const y = axis(
    domainOf(points.map((p) => p.robust)),
    [height - bottom, top],
    share,
    4,
  );
  const front = points
    .filter(({ isFront }) => isFront)
    .sort((a, b) => a.clean.value - b.clean.value);
  const plainOnes = points.filter(({ worst }) => worst.defense === "none");
  const named = new Set([
    ...points.filter(({ isTaken }) => isTaken),
    ...front,
    ...(plainOnes.length <= NAMED ? plainOnes : []),
    ...(points.length <= NAMED ? points : []),
  ]);
  const placed: Placed[] = points.map((p) => ({
    x: x.at(p.clean.value),
    y: y.at(p.robust.value),
    p,
  }));
  const path = line<Point>(
    (p) => x.at(p.clean.value),
    (p) => y.at(p.robust.value),
  );
  return {
    ...frame,
    title,
    x1: width - right,
    y1: height - bottom,
    middle: (left + width - right) / 2,
    centre: round((top + height - bottom) / 2),
    x,
    y,
    front: front.length > 1 ? path(front) : null,
    points: placed.map(({ x: cx, y: cy, p }) => ({
      tone: p.isTaken
        ? "taken"
        : !p.isSound
          ? "doubt"
          : p.isFront
            ? "lead"
            : "rest",
      mark: p.worst.defense === "none" ? ROUND : SQUARE,
      x: cx,
      y: cy,
      x0: x.at(p.clean.low),
      x1: x.at(p.clean.high),
      y0: y.at(p.robust.low),
      y1: y.at(p.robust.high),
      tip: `${p.name}: clean ${percent(p.clean.value)}, robust ${percent(p.robust.value)}${p.isSound ? "" : ", not trusted"}`,
    })),
    labels: labelsOf(
      [...named].flatMap((one) => placed.find(({ p }) => p === one) ?? []),
    ),
    rows: points
      .toSorted((a, b) => b.robust.value - a.robust.value)
      .map((p) => ({
        name: p.name,
        clean: percent(p.clean.value),
        cleanInterval: interval(p.clean),
        robust: p.worst.evaluated ? percent(p.robust.value) : "not evaluated",
        robustInterval: p.worst.evaluated ? interval(p.robust) : "",
        untrusted: !p.worst.trusted,
        front: p.isFront ? "on the front" : "",
      })),
  };
}

const ROUND = "M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0";
const SQUARE = "M-4,-4h8v8h-8z";

/** From a round share below all intervals to one above, at least 20 points. */
function domainOf(rates: readonly Rate[]): [number, number] {
  const low = Math.floor(10 * Math.min(...rates.map((r) => r.low))) / 10;
  const high = Math.ceil(10 * Math.max(...rates.map((r) => r.high))) / 10;
  if (high - low >= 0.2) return [low, high];
  return high >= 0.2 ? [high - 0.2, high] : [0, 0.2];
}

/**
 * Names beside their points, the most important first; one that finds no free place is
 * left out, and stands in the table.
 */
function labelsOf(placed: readonly Placed[]) {
  const { width, height, right, top, bottom } = frame;
  const taken: { x0: number; x1: number; y: number }[] = [];
  return placed.flatMap(({ x, y, p }) => {
    const length = LETTER * p.name.length;
    const isLeft = x + 9 + length > width - right;
    const x0 = isLeft ? x - 9 - length : x + 9;
    const isFree = (at: number) =>
      at > top + 8 &&
      at < height - bottom - 2 &&
      taken.every(
        (t) => Math.abs(t.y - at) >= 13 || t.x1 < x0 || t.x0 > x0 + length,
      );
    const at = [-6, 14, -19, 27].map((o) => y + o).find(isFree);
    if (at === undefined) return [];
    taken.push({ x0, x1: x0 + length, y: at });
    return [
      {
        name: p.name,
        x: round(isLeft ? x - 9 : x + 9),
        y: round(at),
        isLeft,
        isTaken: p.isTaken,
      },
    ];
  });
}
