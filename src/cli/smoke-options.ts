import { InvalidArgumentError, Option } from "commander";
import type { RunOptions } from "#audit";
import { outOf } from "./out.ts";

/** What cuts a run down, as the command line says it. */
export interface SmokeOptions {
  readonly samples?: number;
  readonly quick?: boolean;
}

export const samplesOption = () =>
  new Option(
    "--samples <n>",
    "attack so few samples, to see that everything runs; no verdict",
  ).argParser((text) => {
    const n = Number(text);
    if (Number.isInteger(n) && n > 0) return n;
    throw new InvalidArgumentError("It has to be a whole number above 0.");
  });

export const quickOption = () =>
  new Option(
    "--quick",
    "the same in seconds: steps, epochs and training data are cut to a few as well; no verdict",
  );

/** How the suite is cut down; undefined where it is not. */
export const smokeOf = ({
  samples,
  quick,
}: SmokeOptions): RunOptions["smoke"] =>
  samples === undefined && !quick ? undefined : { samples, quick };

/** The same on the command line. */
export const smokeArguments = ({ samples, quick }: SmokeOptions): string[] => [
  ...(samples === undefined ? [] : ["--samples", String(samples)]),
  ...(quick ? ["--quick"] : []),
];

/** The folder of a run: smoke has one of its own beside that of its suite. */
export const folderOf = (
  suite: string,
  options: SmokeOptions & { readonly out?: string },
): string =>
  smokeOf(options) && options.out === undefined
    ? `${outOf(suite)}-smoke`
    : outOf(suite, options.out);
