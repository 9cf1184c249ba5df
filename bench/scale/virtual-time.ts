import {
  type Beliefs,
  beliefsOf,
  costsOf,
  makespanOf,
  missingOf,
  type PerformOptions,
  perform,
  type Work,
  type WorkKind,
  workKinds,
} from "#audit";
import { duration, Random } from "#core";
import { measuredSizes } from "./sizes.ts";

// What scheduling costs, and how good a schedule is, for more works and hands than
// this machine has: in virtual time, by the planner and the scheduler of real runs.

const WORKS = 1_000_000;
const HANDS = 1_000;

/** What the end may be of its lower bound, max(longest path, total / hands). */
const GOAL = 1.15;

/** What the coordinator may take of memory, in bytes. */
const MEMORY = 2e9;

/** A work, and what it really takes. */
interface Drawn extends Work {
  readonly seconds: number;
}

/** The share of pre-trainings, which nothing comes before. */
const FIRST = 0.0002;

/**
 * Works that each need one to three of the kind before, as many of each kind as in the
 * runs that were measured and of the sizes that these had.
 */
function drawn(count: number, random: Random): Drawn[] {
  const found = measuredSizes();
  const all = [...found.values()].reduce((sum, { length }) => sum + length, 0);
  const works: Drawn[] = [];
  let above: Drawn[] = [];
  const layer = (kind: WorkKind, share: number) => {
    const sizes = found.get(kind) ?? [];
    const here = Array.from({ length: Math.round(share * count) }, () => {
      const id = `${kind} ${works.length}`;
      const [size, seconds] = sizes[random.below(sizes.length)]!;
      const needs = Array.from(
        { length: above.length === 0 ? 0 : 1 + random.below(3) },
        () => above[random.below(above.length)]!,
      );
      const record = `${id}.json`;
      const work = { id, kind, record, needs, size, seconds, run: nothing };
      works.push(work);
      return work;
    });
    if (here.length > 0) above = here;
  };
  layer("model", FIRST);
  for (const kind of workKinds)
    layer(kind, ((1 - FIRST) * (found.get(kind)?.length ?? 0)) / all);
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
  const missing = missingOf(works, memoryStore());
  const { first, needs } = missing;
  const took = Float64Array.from(
    missing.works as readonly Drawn[],
    ({ seconds }) => seconds,
  );
  const random = new Random(2);
  const learned = costsOf();
  for (const [kind, all] of measuredSizes())
    for (const [size, seconds] of all) learned.learn({ kind, size }, seconds);
  for (const [title, { seconds: costs, learn }] of [
    ["costs known", { seconds: took }],
    [
      "costs known to a factor of e",
      { seconds: took.map((cost) => cost * Math.exp(random.normal())) },
    ],
    ["costs of each kind learned before", beliefsOf(missing.works, learned)],
    ["costs unknown", beliefsOf(missing.works, costsOf())],
  ] as const satisfies readonly (readonly [string, Partial<Beliefs>])[]) {
    const since = performance.now();
    const { end, total, path } = makespanOf(
      { first, needs, costs },
      HANDS,
      took,
      learn,
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
