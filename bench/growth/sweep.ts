/** A step of Assay's whose cost is looked at as one thing grows. */
export interface Sweep {
  readonly step: string;
  /** What grows, as people call it. */
  readonly over: string;
  /** Sizes that double. */
  readonly sizes: readonly number[];
  /** Makes ready what is not timed. */
  open(size: number): Promise<Timed> | Timed;
}

export interface Timed {
  run(): unknown;
  release?(): unknown;
}

/** What a step took at each size, in seconds of the processor. */
export interface Grown {
  readonly seconds: readonly number[];
  /** The slope of log time over log size on the last two doublings. */
  readonly exponent: number;
}

/** Seconds for which a size is timed, and times at the most. */
const LONG = 0.4;
const TIMES = 5;

/** The shortest of some runs at each size; the smallest size is run before, unseen. */
export async function grow({ sizes, open }: Sweep): Promise<Grown> {
  const once = await open(sizes[0]!);
  await once.run();
  await once.release?.();
  const seconds: number[] = [];
  for (const size of sizes) {
    const timed = await open(size);
    seconds.push(await shortest(timed));
    await timed.release?.();
  }
  return { seconds, exponent: slope(sizes.slice(-3), seconds.slice(-3)) };
}

async function shortest(timed: Timed): Promise<number> {
  let [least, all] = [Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < TIMES && all < LONG; i++) {
    const since = process.cpuUsage();
    await timed.run();
    const { user, system } = process.cpuUsage(since);
    least = Math.min(least, (user + system) / 1e6);
    all += (user + system) / 1e6;
  }
  return least;
}

/** Of the line through the logarithms that is nearest to them. */
function slope(sizes: readonly number[], seconds: readonly number[]): number {
  const [x, y] = [sizes.map(Math.log), seconds.map((s) => Math.log(s))];
  const mean = (all: readonly number[]) =>
    all.reduce((sum, v) => sum + v, 0) / all.length;
  const [mx, my] = [mean(x), mean(y)];
  return (
    mean(x.map((v, i) => (v - mx) * (y[i]! - my))) /
    mean(x.map((v) => (v - mx) ** 2))
  );
}
