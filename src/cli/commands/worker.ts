import { Command, InvalidArgumentError } from "commander";
import { serveRuns } from "#audit";
import { line } from "#core";
import { exitCodes } from "../exit-codes.ts";
import { noUseOption } from "../suite-options.ts";

interface WorkerOptions {
  queue: string;
  use?: boolean;
  concurrency?: number;
  threads?: number;
}

const count = (text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("Expected a whole number above 0.");
};

export const workerCommand = new Command("worker")
  .requiredOption(
    "--queue <url>",
    "Redis or Valkey, as those runs name it; needs bullmq and ioredis",
  )
  .addOption(noUseOption())
  .option(
    "--concurrency <n>",
    "works at once, a process each (default: what does best on these cores, which is measured once)",
    count,
  )
  .option(
    "--threads <n>",
    "threads of each (default: the cores, shared out)",
    count,
  )
  .addHelpText(
    "after",
    `
Examples:
  assay worker --queue redis://host:6379
  assay worker --queue rediss://user@host:6379 --concurrency 4 --threads 1

Start it in a folder where suite, data and models have the paths that they have
where the run was started. What is found goes to the folder of the run (--out),
which all machines share, or to the bucket of the run (--store), by the variables
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL_S3.
ASSAY_QUEUE_PASSWORD is the password, where it does not stand in the address.

A worker runs what suites and their modules say: whoever can write to the queue can
run anything on it. Interrupted, it hands back what it does and ends with status 130.`,
  )
  .action(async ({ queue, use, concurrency, threads }: WorkerOptions) => {
    const abort = new AbortController();
    const interrupt = () => {
      // A second signal does not wait until works are handed back.
      if (abort.signal.aborted) process.exit(exitCodes.interrupted);
      abort.abort();
    };
    process.on("SIGINT", interrupt);
    process.on("SIGTERM", interrupt);
    await serveRuns({
      url: queue,
      use,
      concurrency,
      threads,
      onLine: (text) => process.stderr.write(`${line(text)}\n`),
      signal: abort.signal,
    });
    process.exitCode = exitCodes.interrupted;
  });
