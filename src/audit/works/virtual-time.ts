import { heapOf } from "./heap.ts";
import { scheduleOf, type WorkGraph } from "./schedule.ts";

/** What hands would take for a graph, in seconds. */
export interface Makespan {
  /** Until all is done. */
  readonly end: number;
  /** Of all works. */
  readonly total: number;
  /** Of the longest path, which no number of hands makes shorter. */
  readonly path: number;
}

/**
 * Does a graph in virtual time, by the schedule by which it is done in real time.
 *
 * @param costs what works really take; what the schedule believes when left out
 * @param ended told of each work that ends, and says whether the costs of the graph are
 *   others now
 */
export function makespanOf(
  graph: WorkGraph,
  hands: number,
  costs: Float64Array = graph.costs,
  ended: (work: number, seconds: number) => boolean = () => false,
): Makespan {
  const schedule = scheduleOf(graph);
  const ends = new Float64Array(costs.length);
  const running = heapOf(
    Math.min(hands, costs.length),
    (a, b) => ends[a]! < ends[b]! || (ends[a] === ends[b] && a < b),
  );
  let now = 0;
  for (;;) {
    while (running.size < hands) {
      const work = schedule.next();
      if (work === undefined) break;
      ends[work] = now + costs[work]!;
      running.push(work);
    }
    const first = running.pop();
    if (first === undefined) break;
    now = ends[first]!;
    schedule.done(first);
    if (ended(first, costs[first]!)) schedule.reweigh();
  }
  const { paths } =
    costs === graph.costs ? schedule : scheduleOf({ ...graph, costs });
  return {
    end: now,
    total: costs.reduce((sum, cost) => sum + cost, 0),
    path: paths.reduce((most, path) => Math.max(most, path), 0),
  };
}
