import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  type AuditEvent,
  type AuditOptions,
  follower,
  openRun,
  runAudit,
} from "#audit";
import { packagePath, writeFile } from "#core";
import { SHARES, type Trace, type TracedWork } from "./trace.ts";

type Run = Pick<AuditOptions, "suite" | "smoke">;

const suite = (name: string) => packagePath("suites", `${name}.yaml`);

const quick = { quick: true };

/** Runs whose works are of different kinds, and take from seconds to minutes. */
const measured: readonly Run[] = [
  { suite: suite("quick") },
  { suite: suite("demo"), smoke: quick },
  { suite: suite("demo") },
  { suite: suite("tabular") },
  { suite: suite("sanitizers") },
];

/** Runs that are recorded twice: tests tell the second by the first. */
const twiceKept = measured.slice(0, 3);

/** Runs that are recorded once, each suite as a smoke run and as a whole one. */
const onceKept: readonly Run[] = [
  ...[
    "quick",
    "tabular",
    "texts",
    "multi-task",
    "evasion",
    "detectors",
    "inheritance",
    "sanitizers",
    "poisoning",
    "robust-finetuning",
    "domain-adaptation",
    "transfer",
    "membership",
    "finetuning-threats",
  ].map((name) => ({ suite: suite(name), smoke: quick })),
  ...[
    "tabular",
    "texts",
    "multi-task",
    "evasion",
    "detectors",
    "inheritance",
    "sanitizers",
    "poisoning",
    "robust-finetuning",
    "domain-adaptation",
    "transfer",
    "membership",
  ].map((name) => ({ suite: suite(name) })),
];

/** What works of the recorded runs took and said: a run a line. */
export const TRACES = packagePath("bench", "scale", "traces.jsonl");

/** How far off the time left may be a tenth of the time into a run. */
export const FACTOR = 1.5;

/** The least that a work says anew of how far it is, for it to be traced. */
const STEP = 0.1;

/**
 * Prints what a run says is left of its time, over what really is: on a machine that
 * has never done such works, and once more with what it has learned. Works are done one
 * after the other, so that what else the machine does falls on all alike.
 */
export async function timeLeft(): Promise<void> {
  console.log(
    `time said to be left, over what was: goal within a factor of ${FACTOR} from 10 % on`,
  );
  for (const run of measured) await watchedRuns(run, ["never done", "learned"]);
}

/**
 * Writes what the works of runs took and said: of it the table of what works usually
 * take is made, and tests tell the time left.
 */
export async function traces(): Promise<void> {
  const all: Trace[] = [];
  const keep = (some: readonly Trace[]) => {
    all.push(...some);
    writeFile(
      TRACES,
      all.map((trace) => `${JSON.stringify(trace)}\n`).join(""),
    );
  };
  for (const run of twiceKept)
    keep(await watchedRuns(run, ["never done", "learned"]));
  for (const run of onceKept) keep(await watchedRuns(run, ["never done"]));
}

/**
 * Runs a suite once after the other on a machine that knew nothing before.
 *
 * @param titles of the runs
 */
async function watchedRuns(
  run: Run,
  titles: readonly string[],
): Promise<Trace[]> {
  const before = process.env.ASSAY_CACHE;
  const folder = mkdtempSync(join(tmpdir(), "assay-time-left-"));
  process.env.ASSAY_CACHE = join(folder, "cache");
  try {
    const traces: Trace[] = [];
    for (const title of titles) {
      const out = join(folder, title);
      const { trace, seconds, ratios } = await watched({ ...run, out });
      const isMet = ratios.every(
        (ratio) => ratio !== null && ratio <= FACTOR && ratio >= 1 / FACTOR,
      );
      console.log(
        `${trace.suite}, ${title} (${seconds.toFixed(0)} s): ${ratios
          .map(
            (ratio, k) =>
              `${100 * SHARES[k]!} %: ${ratio === null ? "not said" : ratio.toFixed(2)}`,
          )
          .join(", ")}; ${isMet ? "met" : "not met"}`,
      );
      traces.push(trace);
    }
    return traces;
  } finally {
    rmSync(folder, { recursive: true });
    if (before === undefined) delete process.env.ASSAY_CACHE;
    else process.env.ASSAY_CACHE = before;
  }
}

/** What one run said of the time left, as its bar shows it, and what its works took. */
async function watched(run: Run & Pick<AuditOptions, "out">) {
  const { works } = await openRun(run);
  const told: { readonly at: number; readonly left: number | null }[] = [];
  const watch = tracing();
  await runAudit({
    ...run,
    onEvent(event) {
      const at = performance.now() / 1000;
      watch.onEvent(event, at);
      if (event.kind === "left") told.push({ at, left: event.seconds });
      if (event.kind === "work" && event.state !== "kept")
        told.push({ at, left: event.left });
    },
  });
  const begin = told[0]!.at;
  const seconds = told.at(-1)!.at - begin;
  const name = basename(String(run.suite), ".yaml");
  const places = new Map([...works.keys()].map((id, i) => [id, i]));
  const trace: Trace = {
    suite: run.smoke ? `${name} --quick` : name,
    works: Array.from(
      works.values(),
      ({ id, kind, sort, defense, size, needs }) => ({
        kind,
        sort,
        defense: defense?.units.length ? defense : undefined,
        size,
        needs: needs.map((need) => places.get(need.id)!),
        ...watch.of(id),
      }),
    ),
  };
  return {
    trace,
    seconds,
    ratios: SHARES.map((share) => {
      const now = begin + share * seconds;
      const { at, left } = told.filter((one) => one.at <= now).at(-1)!;
      // The bar counts down from when it was told.
      return left === null
        ? null
        : Math.max(0, left - (now - at)) / ((1 - share) * seconds);
    }),
  };
}

const rounded = (number: number) => Number(number.toPrecision(3));

/** Notes what works take, and say of how far they are. */
function tracing() {
  const follow = follower();
  const found = new Map<string, Pick<TracedWork, "seconds" | "said">>();
  let now: { id: string; since: number; said: [number, number][] } | undefined;
  return {
    of: (id: string) => found.get(id) ?? { seconds: 0, said: [] },
    onEvent(event: AuditEvent, at: number) {
      follow.onEvent(event);
      if (event.kind === "work" && event.state === "started")
        now = { id: event.work, since: at, said: [] };
      else if (event.kind === "work" && event.state === "done") {
        const seconds = rounded(event.seconds);
        found.set(event.work, { seconds, said: now?.said ?? [] });
      } else if (now) {
        // What is not said any more stands as 0.
        const share = follow.saidBy(now.id)?.share ?? 0;
        const last = now.said.at(-1)?.[1] ?? 0;
        if (share >= last + STEP || share < last)
          now.said.push([rounded(at - now.since), rounded(share)]);
      }
    },
  };
}
