import { join, resolve } from "node:path";
import { Option } from "commander";
import type { Results } from "#audit";
import { AssayError, messageOf, nearest, UsageError, writeFile } from "#core";
import { type Reporter, reporters, usualReporters } from "#reports";

/** A form of the results, and where it goes. */
export interface Output {
  readonly reporter: Reporter;
  /** Path of the file; null for the standard output. */
  readonly file: string | null;
}

export const reporterOption = () =>
  new Option(
    "--reporter <name[:file]>",
    "write the results in another form too, to this file or - to print it; may be repeated",
  ).argParser((text, before: readonly string[] = []) => [...before, text]);

/**
 * What a run writes: the usual forms into its folder, and those that are asked for.
 *
 * @param asked such as "html:page.html"; a path is relative to the current folder
 * @throws REPORTER, REPORTER_FILE
 */
export function outputsOf(
  asked: readonly string[],
  out: string,
  all: readonly Reporter[] = reporters,
): Output[] {
  const usual = usualReporters.map((reporter) => ({
    reporter,
    file: join(out, reporter.file),
  }));
  const outputs = new Map<string | null, Output>();
  for (const output of [...usual, ...asked.map((text) => of(text, out, all))]) {
    const { reporter, file } = output;
    const place = file && resolve(file);
    const other = outputs.get(place)?.reporter;
    if (other && other !== reporter)
      throw new UsageError(
        "REPORTER_FILE",
        `${file ?? "the standard output"} would be written by ${other.id} and by ${reporter.id}`,
        `Name another file: --reporter ${reporter.id}:FILE.`,
      );
    outputs.set(place, output);
  }
  return [...outputs.values()];
}

function of(text: string, out: string, all: readonly Reporter[]): Output {
  const [id = "", ...rest] = text.split(":");
  const reporter = all.find((one) => one.id === id);
  if (!reporter) {
    const ids = all.map((one) => one.id);
    const meant = nearest(id, ids);
    throw new UsageError(
      "REPORTER",
      `there is no reporter "${id}"`,
      `${meant ? `Did you mean "${meant}"? ` : ""}There are: ${ids.join(", ")}.`,
    );
  }
  const file = rest.join(":") || join(out, reporter.file);
  return { reporter, file: file === "-" ? null : file };
}

/** Writes results to their files, and gives what is printed instead of a summary. */
export async function write(
  results: Results,
  outputs: readonly Output[],
): Promise<(string | Uint8Array)[]> {
  const printed: (string | Uint8Array)[] = [];
  for (const { reporter, file } of outputs) {
    const content = await rendered(reporter, results);
    if (file === null) printed.push(content);
    else writeFile(file, content);
  }
  return printed;
}

async function rendered(reporter: Reporter, results: Results) {
  try {
    return await reporter.render(results);
  } catch (error) {
    throw new AssayError(
      "REPORTER_FAILED",
      `the reporter "${reporter.id}" failed: ${messageOf(error)}`,
      "Leave it out, or correct it. The run is kept: the same command writes what is left.",
      { cause: error },
    );
  }
}
