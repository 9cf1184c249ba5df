import { InvalidArgumentError, Option } from "commander";
import type { RunOptions } from "#audit";
import { bytes, seconds } from "#core";

/** Limits as the command line says them. */
export interface LimitOptions {
  readonly timeLimit?: number;
  readonly workTimeLimit?: number;
  readonly memoryLimit?: number;
}

const parsedBy = (schema: typeof seconds) => (written: string) => {
  const parsed = schema.safeParse(written);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? "");
};

export const timeLimitOption = () =>
  new Option(
    "--time-limit <time>",
    "of the run, such as 2h; it stops there, and judges what it has",
  ).argParser(parsedBy(seconds));

export const workTimeLimitOption = () =>
  new Option(
    "--work-time-limit <time>",
    "of one work, such as 10min; one that takes longer fails",
  ).argParser(parsedBy(seconds));

export const memoryLimitOption = () =>
  new Option(
    "--memory-limit <size>",
    "of each worker, such as 4GB; the work of one that takes more fails",
  ).argParser(parsedBy(bytes));

/** Those that were given; the others are those of the suite. */
export function limitsOf(options: LimitOptions): RunOptions["limits"] {
  const { timeLimit: run, workTimeLimit: work, memoryLimit: memory } = options;
  return Object.fromEntries(
    Object.entries({ run, work, memory }).filter(([, v]) => v !== undefined),
  );
}

/** The same limits on the command line. */
export const limitArguments = (options: LimitOptions): string[] =>
  (
    [
      ["--time-limit", options.timeLimit],
      ["--work-time-limit", options.workTimeLimit],
      ["--memory-limit", options.memoryLimit],
    ] as const
  ).flatMap(([flag, limit]) => (limit ? [flag, String(limit)] : []));
