import {
  makespanOf,
  missingOf,
  type PerformOptions,
  perform,
  type Work,
} from "#audit";
import { duration, Random } from "#core";

// What scheduling costs, and how good a schedule is, for more works and hands than
// this machine has: in virtual time, by the planner and the scheduler of real runs.

const WORKS = 1_000_000;
const HANDS = 1_000;

/** What the end may be of its lower bound, max(longest path, total / hands). */
const GOAL = 1.15;

/** What the coordinator may take of memory, in bytes. */
const MEMORY = 2e9;

/** Layers as those of an audit: what share of the works, and seconds in the median. */
const layers = [
  { kind: "model", share: 0.0002, seconds: 600 },
  { kind: "model", share: 0.03, seconds: 120 },
  { kind: "fit", share: 0.05, seconds: 5 },
  { kind: "examples", share: 0.25, seconds: 30 },
  { kind: "cell", share: 0.5698, seconds: 8 },
  { kind: "trial", share: 0.1, seconds: 90 },
] as const;

/** Works that each need one to three of the layer before, with lognormal sizes. */
function drawn(count: number, random: Random): Work[] {
  const works: Work[] = [];
  let above: Work[] = [];
  layers.forEach(({ kind, share, seconds }, layer) => {
    const here = Array.from({ length: Math.round(share * count) }, (_, i) => {
      const id = `${kind} ${layer}.${i}`;
      const needs = Array.from(
        { length: layer === 0 ? 0 : 1 + random.below(3) },
        () => above[random.below(above.length)]!,
      );
      const size = seconds * Math.exp(random.normal());
      return { id, kind, record: `${id}.json`, needs, size, run: nothing };
    });
    for (const work of here) works.push(work);
    above = here;
  });
  return works;
}

const nothing = async () => {};

/** A store in memory. */
function memoryStore() {
  const records = new Set<string>();
  const read = (name: string) => (records.has(name) ? {} : undefined);
  const write = (name: string) => records.add(name);
  return { read, write } as unknown as PerformOptions["store"];
}

const row = (...cells: readonly string[]) =>
  console.log(cells.map((c, i) => c.padEnd([34, 20][i] ?? 0)).join(""));

/** Prints what a million works take a thousand hands, and the coordinator. */
export async function virtualTime(): Promise<void> {
  const works = drawn(WORKS, new Random(1));
  row(
    "",
    `${WORKS.toLocaleString("en")} works, ${HANDS.toLocaleString("en")} hands, Node ${process.version}`,
  );
  const { first, needs } = missingOf(works, memoryStore());
  const costs = Float64Array.from(works, ({ size }) => size);
  const random = new Random(2);
  const guessed = costs.map((cost) => cost * Math.exp(random.normal()));
  for (const [title, believed] of [
    ["costs as believed", costs],
    ["costs believed to a factor of e", guessed],
    ["costs unknown", costs.map(() => 1)],
  ] as const) {
    const since = performance.now();
    const { end, total, path } = makespanOf(
      { first, needs, costs: believed },
      HANDS,
      costs,
    );
    const seconds = (performance.now() - since) / 1000;
    const bound = Math.max(path, total / HANDS);
    row(
      title,
      `${duration(end)}, ${(end / bound).toFixed(3)} of the bound (goal ${GOAL})`,
      `; longest path ${duration(path)}; simulated in ${seconds.toFixed(1)} s`,
    );
  }
  await performed(works);
}

/** Prints what is between works, where these take no time. */
async function performed(works: readonly Work[]): Promise<void> {
  const store = memoryStore();
  const since = performance.now();
  let events = 0;
  let most = 0;
  const failures = await perform(works, {
    store,
    hands: {
      count: HANDS,
      perform: async ({ record }) => store.write(record, {}),
      close: nothing,
    },
    onEvent: () => {
      if (events++ % 100_000 === 0)
        most = Math.max(most, process.memoryUsage.rss());
    },
  });
  const milliseconds = (performance.now() - since) / works.length;
  row(
    "empty works, performed",
    `${(1000 * milliseconds).toFixed(1)} µs each (goal 5 ms), ${failures.length} failed`,
  );
  row(
    "memory of the coordinator",
    `${(most / 1e9).toFixed(2)} GB (goal ${MEMORY / 1e9} GB)`,
  );
}
