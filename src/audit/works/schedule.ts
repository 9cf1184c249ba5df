import { heapOf } from "./heap.ts";

/** A graph of works as numbers, which has room for a million of them. */
export interface WorkGraph {
  /** What work `i` needs is `needs[first[i]]` up to `needs[first[i + 1] - 1]`. */
  readonly first: Int32Array;
  readonly needs: Int32Array;
  /** Seconds of each, 0 or more. */
  readonly costs: Float64Array;
}

/** Which work comes next, as works end. */
export interface Schedule {
  /**
   * Seconds of the longest path from the start of each work to the end of all; they
   * change in place.
   */
  readonly paths: Float64Array;
  /** The path of what is next; 0 where nothing is. */
  readonly longest: number;
  /**
   * Gives out a work whose needs are done: the one with the longest path, and of equal
   * ones the first of the graph.
   */
  next(): number | undefined;
  /** A work that was given out waits again. */
  back(work: number): void;
  done(work: number): void;
  /** The costs of the graph are others now. */
  reweigh(): void;
  /**
   * A work that was given out has failed.
   *
   * @returns all that has to do without it, and so fails with it
   */
  fail(work: number): readonly number[];
}

/**
 * Schedules a graph by its longest paths (Graham, 1969, doi:10.1137/0117039): n hands
 * that take what is next take at most total / n + (1 - 1 / n) * longest path. Each work
 * and each need costs O(log works).
 *
 * @throws where works need each other in a circle
 */
export function scheduleOf({ first, needs, costs }: WorkGraph): Schedule {
  const count = costs.length;
  const users = usersOf(first, needs);
  const open = Int32Array.from(costs, (_, i) => first[i + 1]! - first[i]!);
  const order = orderOf(users, open);
  const paths = new Float64Array(count);
  const weigh = () => {
    for (let k = count - 1; k >= 0; k--) {
      const work = order[k]!;
      let longest = 0;
      users.each(work, (user) => {
        longest = Math.max(longest, paths[user]!);
      });
      paths[work] = longest + costs[work]!;
    }
  };
  weigh();
  const isBefore = (a: number, b: number) =>
    paths[a]! > paths[b]! || (paths[a] === paths[b] && a < b);
  const ready = heapOf(count, isBefore);
  const failed = new Uint8Array(count);
  for (let i = 0; i < count; i++) if (open[i] === 0) ready.push(i);
  return {
    paths,
    get longest() {
      const top = ready.top();
      return top === undefined ? 0 : paths[top]!;
    },
    next: ready.pop,
    back: ready.push,
    done(work) {
      users.each(work, (user) => {
        if (--open[user]! === 0) ready.push(user);
      });
    },
    reweigh() {
      weigh();
      ready.reorder();
    },
    fail(work) {
      failed[work] = 1;
      const lost: number[] = [];
      const lose = (user: number) => {
        if (failed[user]) return;
        failed[user] = 1;
        lost.push(user);
      };
      users.each(work, lose);
      for (let k = 0; k < lost.length; k++) users.each(lost[k]!, lose);
      return lost;
    },
  };
}

/** Who needs each work, once for each time that it does. */
function usersOf(first: Int32Array, needs: Int32Array) {
  const count = first.length - 1;
  const start = new Int32Array(count + 1);
  for (const need of needs) start[need + 1]!++;
  for (let i = 0; i < count; i++) start[i + 1]! += start[i]!;
  const users = new Int32Array(needs.length);
  const at = start.slice();
  for (let user = 0; user < count; user++)
    for (let k = first[user]!; k < first[user + 1]!; k++)
      users[at[needs[k]!]!++] = user;
  return {
    each(work: number, visit: (user: number) => void) {
      for (let k = start[work]!; k < start[work + 1]!; k++) visit(users[k]!);
    },
  };
}

/** All works, each behind what it needs. */
function orderOf(
  users: ReturnType<typeof usersOf>,
  open: Int32Array,
): Int32Array {
  const left = open.slice();
  const order = new Int32Array(left.length);
  let ordered = 0;
  for (let i = 0; i < left.length; i++) if (left[i] === 0) order[ordered++] = i;
  for (let k = 0; k < ordered; k++)
    users.each(order[k]!, (user) => {
      if (--left[user]! === 0) order[ordered++] = user;
    });
  if (ordered < order.length)
    throw new Error(
      `${order.length - ordered} works need each other in a circle, or what is in one`,
    );
  return order;
}
