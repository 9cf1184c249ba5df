import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import type { OnEvent, QueueChoice, Results, Shard } from "#audit";
import {
  AssayError,
  InterruptedError,
  line,
  lines,
  quoted,
  UsageError,
} from "#core";
import type { Kept } from "#reports";
import { baselineOption, noBaselineOption } from "../baseline-options.ts";
import {
  deviceOption,
  type EngineOptions,
  engineOption,
  usualWorkers,
  workersOption,
} from "../engine-options.ts";
import { exitCodeOf, exitCodes } from "../exit-codes.ts";
import { runInWorker, type ShardDone, shardInWorker } from "../in-worker.ts";
import {
  type LimitOptions,
  limitArguments,
  limitsOf,
  memoryLimitOption,
  timeLimitOption,
  workTimeLimitOption,
} from "../limit-options.ts";
import { suitesOf } from "../own-suite.ts";
import { progressOn, silent } from "../progress.ts";
import {
  type Output,
  outputsOf,
  reporterOption,
  reportersOf,
  warn,
  write,
} from "../reporters.ts";
import { oneByOne, requireApart } from "../several.ts";
import {
  folderOf,
  quickOption,
  type SmokeOptions,
  samplesOption,
  smokeArguments,
  smokeOf,
} from "../smoke-options.ts";
import { stopwatchOf } from "../stopwatch.ts";
import { noUseOption, setOption } from "../suite-options.ts";
import { summary } from "../summary.ts";

export interface RunOptions extends EngineOptions, LimitOptions, SmokeOptions {
  out?: string;
  only?: string[];
  use?: boolean;
  set?: string[];
  /** Of the suite, where another part of the run was started. */
  hash?: string;
  queue?: string;
  store?: string;
  quiet?: boolean;
  workers?: number;
  shard?: Shard;
  reporter?: string[];
  retryFailed?: boolean;
  failFast?: boolean;
  /** False for none. */
  baseline?: string | false;
  json?: boolean;
}

export const runCommand = new Command("run")
  .argument(
    "[suites...]",
    "YAML files, or modules that export a suite; several run one after the other; assay.yaml when left out",
  )
  .option(
    "--out <folder>",
    "folder of the run (default: runs/<name of the suite>); finished work in it is kept",
  )
  .option(
    "--only <pattern...>",
    "only cells and trials whose id matches, such as 'full/none/pgd@*'; no verdict",
  )
  .addOption(samplesOption())
  .addOption(quickOption())
  .addOption(engineOption())
  .addOption(deviceOption())
  .addOption(workersOption())
  .option(
    "--shard <i/n>",
    "only the i-th of n parts of the run, for machines of their own; see assay merge",
    shardOf,
  )
  .option(
    "--queue <url>",
    "have the work done by `assay worker` on any machines, by Redis at this address; needs bullmq and ioredis",
  )
  .option(
    "--store <url>",
    "a bucket, s3://bucket/prefix, where these machines share no folder; needs aws4fetch",
  )
  .option(
    "--fail-fast",
    "end as soon as a rule of the gate cannot pass any more, with exit status 3",
  )
  .option(
    "--retry-failed",
    "do nothing but what failed in the last run of the folder, and what needs it; without it, the same command does whatever is left",
  )
  .addOption(timeLimitOption())
  .addOption(workTimeLimitOption())
  .addOption(memoryLimitOption())
  .addOption(setOption())
  .addOption(noUseOption())
  .addOption(reporterOption())
  .addOption(baselineOption())
  .addOption(noBaselineOption())
  .option("--quiet", "no progress")
  .option("--json", "the same as --reporter json:-")
  .addHelpText(
    "after",
    `
Examples:
  assay run
  assay run suites/quick.yaml --out runs/mine
  assay run suites/quick.yaml --out runs/mine --only 'full/*'
  assay run suites/quick.yaml --set candidates.full.epochs=3
  assay run images.yaml texts.yaml
  assay run audit.yaml --quick
  assay run audit.yaml --device cuda
  assay run audit.yaml --engine tfjs
  assay run audit.yaml --time-limit 2h --work-time-limit 10min
  assay run audit.yaml --workers 4
  assay run audit.yaml --shard 2/3 --out runs/shard-2
  assay run audit.yaml --json | jq .gate
  assay run audit.yaml --reporter markdown:- --reporter html:page.html
  assay run audit.yaml --baseline runs/main
  assay run audit.yaml --queue redis://host:6379 --store s3://bucket/audits

Exit status: 0 passed, 1 something failed, 2 usage or configuration, 3 gate failed,
4 inconclusive, 130 interrupted; of several suites the worst: 130, 2, 1, 3, 4, 0. Run the
same command again to continue, or to try again what failed.`,
  )
  .action(async (named: string[], options: RunOptions) => {
    const suites = suitesOf(named);
    requireApart(suites, options);
    if (suites.length > 1) await requireValid(suites, options);
    process.exitCode =
      suites.length === 1
        ? await run(suites[0]!, options)
        : await oneByOne(suites, (suite) => run(suite, options));
  });

/** Refuses what is wrong in a later suite before the first has taken its time. */
async function requireValid(
  suites: readonly string[],
  { only, use, set }: RunOptions,
): Promise<void> {
  const { loadSuite, planSuite } = await audit();
  for (const suite of suites)
    planSuite(await loadSuite(suite, { use, set }), only);
}

function shardOf(text: string): Shard {
  const [index = 0, count = 0] =
    /^(\d+)\/(\d+)$/.exec(text)?.slice(1).map(Number) ?? [];
  if (index < 1 || index > count)
    throw new InvalidArgumentError(
      "It has to be like 2/3, the second of three.",
    );
  return { index, count };
}

/** The audit runs in a thread; this one loads it where a reporter asks for more. */
const audit = () => import("#audit");

/** Runs a suite, or a shard of it, and gives the exit status. */
export async function run(suite: string, options: RunOptions): Promise<number> {
  const { only, use, set, hash, engine, device, shard, baseline } = options;
  const { retryFailed, failFast } = options;
  const out = folderOf(suite, options);
  const smoke = smokeOf(options);
  const workers = options.workers ?? usualWorkers(options);
  const queue = queueOf(options);
  const limits = limitsOf(options);
  const outputs = await outputsFor(suite, options, out);
  const input = {
    suite,
    out,
    only,
    smoke,
    use,
    set,
    hash,
    engine,
    device,
    workers,
    queue,
    limits,
    baseline,
    retryFailed,
    failFast,
  };
  return untilInterrupted(
    async (onEvent, signal) => {
      if (!shard) {
        const { works, watched } = stopwatchOf(onEvent);
        const results = await runInWorker(input, watched, signal);
        let kept: Kept["examplesOf"] | undefined;
        const examplesOf: Kept["examplesOf"] = async (cell) => {
          kept ??= (await audit()).examplesIn({ out }, results);
          return kept(cell);
        };
        return ended(results, out, outputs, { examplesOf, works });
      }
      const done = await shardInWorker({ ...input, shard }, onEvent, signal);
      return shardEnded(done, shard, out);
    },
    {
      quiet: options.quiet,
      onInterrupted: () =>
        process.stderr.write(
          `interrupted; what is finished is kept in ${out}\n  continue with: ${again(suite, out, options)}\n`,
        ),
    },
  );
}

async function outputsFor(
  suite: string,
  { reporter = [], json, use, set, shard }: RunOptions,
  out: string,
): Promise<Output[]> {
  if (shard && reporter.length > 0)
    throw new UsageError(
      "REPORTER",
      "a shard has no results that a reporter could write",
      "Leave out --reporter, and state it at assay merge.",
    );
  const all =
    reporter.length > 0
      ? reportersOf(
          (await (await audit()).loadSuite(suite, { use, set })).units,
        )
      : undefined;
  return outputsOf([...reporter, ...(json ? ["json:-"] : [])], out, all);
}

function queueOf({ queue, store }: RunOptions): QueueChoice | undefined {
  if (queue !== undefined) return { url: queue, bucket: store };
  if (store === undefined) return undefined;
  throw new UsageError(
    "STORE_ALONE",
    "--store is for a queue, and there is none",
    "Add --queue redis://host:6379, or leave it out: --out names the folder of a run.",
  );
}

/** Shows progress, and ends in order when it is interrupted. */
async function untilInterrupted(
  work: (
    onEvent: OnEvent,
    signal: AbortSignal,
  ) => Promise<() => Promise<number>>,
  {
    quiet,
    onInterrupted,
  }: { readonly quiet?: boolean; readonly onInterrupted: () => void },
): Promise<number> {
  const progress = quiet ? silent : progressOn(process.stderr);
  const abort = new AbortController();
  const interrupt = () => {
    // A second signal does not wait for the current step.
    if (abort.signal.aborted) process.exit(exitCodes.interrupted);
    abort.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    const end = await work(progress.onEvent, abort.signal);
    progress.end();
    return await end();
  } catch (error) {
    progress.end();
    if (!(error instanceof InterruptedError)) throw error;
    onInterrupted();
    return exitCodes.interrupted;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

/**
 * Writes what a run found, and says it in short.
 *
 * @throws what failed first, where no candidate came to be and there is nothing to say
 */
const ended =
  (results: Results, out: string, outputs: readonly Output[], kept: Kept) =>
  async (): Promise<number> => {
    const printed = await write(results, outputs, kept, warn);
    for (const content of printed) process.stdout.write(content);
    const [failed] = results.failures ?? [];
    const isEmpty = failed !== undefined && results.candidates.length === 0;
    if (printed.length === 0 && !isEmpty)
      process.stdout.write(summary(lines(results), join(out, "report.html")));
    if (isEmpty) throw new AssayError(failed.code, failed.message, failed.hint);
    return exitCodeOf(results);
  };

/** Says what a shard comes to. It has no verdict. */
const shardEnded =
  ({ done, failures }: ShardDone, { index, count }: Shard, out: string) =>
  async (): Promise<number> => {
    const failed = failures.map(
      ({ work, message }) => `  ${line(work)}: ${line(message)}`,
    );
    process.stdout.write(
      `${[
        `Shard ${index} of ${count}: ${done} works are done in ${out}${failures.length > 0 ? `, ${failures.length} failed:` : ""}`,
        ...failed,
        "When all shards are: assay merge FOLDER... --out FOLDER",
      ].join("\n")}\n`,
    );
    return failures.length > 0 ? exitCodes.runError : exitCodes.passed;
  };

/** The command that goes on where this one stopped. */
function again(suite: string, out: string, options: RunOptions): string {
  const { engine, device, only = [], use, workers, shard } = options;
  const { queue, store, reporter = [], baseline, quiet, json } = options;
  return [
    ...["assay", "run", quoted(suite), "--out", quoted(out)],
    ...(options.set ?? []).flatMap((one) => ["--set", quoted(one)]),
    ...(only.length > 0 ? ["--only", ...only.map(quoted)] : []),
    ...smokeArguments(options),
    ...(use === false ? ["--no-use"] : []),
    ...(engine ? ["--engine", engine] : []),
    ...(device && device !== "cpu" ? ["--device", device] : []),
    ...(workers ? ["--workers", String(workers)] : []),
    ...(shard ? ["--shard", `${shard.index}/${shard.count}`] : []),
    // An address may have a password in it.
    ...(queue ? ["--queue", "<url>"] : []),
    ...(store ? ["--store", quoted(store)] : []),
    ...limitArguments(options),
    ...reporter.flatMap((one) => ["--reporter", quoted(one)]),
    ...(baseline === false ? ["--no-baseline"] : []),
    ...(baseline ? ["--baseline", quoted(baseline)] : []),
    ...(quiet ? ["--quiet"] : []),
    ...(json ? ["--json"] : []),
  ].join(" ");
}
