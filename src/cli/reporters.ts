import { join, resolve } from "node:path";
import { Option } from "commander";
import type { Results } from "#audit";
import {
  AssayError,
  line,
  messageOf,
  nearest,
  UsageError,
  writeFile,
} from "#core";
import {
  type Content,
  type Kept,
  type NamedFile,
  type Reporter,
  reporters,
  usualReporters,
} from "#reports";
import type { Units } from "#units";
import { coloursFor } from "./colour.ts";

/** A form of the results, and where it goes. */
export interface Output {
  readonly reporter: Reporter;
  /** Path of the file or folder; null for the standard output. */
  readonly file: string | null;
  /** Whether every run writes it. */
  readonly isUsual: boolean;
  /** Where it is sent instead. */
  readonly address?: string;
}

export const reporterOption = () =>
  new Option(
    "--reporter <name[:file]>",
    "write the results in another form too, to this file or - to print it, or send them to this address; may be repeated (see assay list reporters)",
  ).argParser((text, before: readonly string[] = []) => [...before, text]);

/**
 * Our reporters, and those of modules.
 *
 * @throws UNITS_CLASH
 */
export function reportersOf({ reporters: more }: Units): readonly Reporter[] {
  const clash = more.find(({ id }) => reporters.some((own) => own.id === id));
  if (!clash) return [...reporters, ...more];
  throw new UsageError(
    "UNITS_CLASH",
    `use: reporter "${clash.id}": Assay has one of that id`,
    "Give it another id, or leave its module out.",
  );
}

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
  const usual: Output[] = usualReporters.map((reporter) => ({
    reporter,
    file: join(out, reporter.file),
    isUsual: true,
  }));
  const outputs = new Map<string | null, Output>();
  for (const output of [...usual, ...asked.map((text) => of(text, out, all))]) {
    const { reporter, file } = output;
    const place = output.address ?? (file && resolve(file));
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
  if (!/^https?:\/\//.test(file))
    return { reporter, file: file === "-" ? null : file, isUsual: false };
  if (reporter.send)
    return { reporter, file: null, isUsual: false, address: file };
  throw new UsageError(
    "REPORTER_ADDRESS",
    `${id} is written to a file, and sent to no server`,
    `Name a file, or leave it out: --reporter ${id}.`,
  );
}

/** A line on the standard error output. */
export const warn = (message: string): void => {
  process.stderr.write(
    `${coloursFor(process.stderr).yellow("warning")}: ${line(message)}\n`,
  );
};

/** Nothing but the results. */
export const NOTHING_KEPT: Kept = {
  examplesOf: async () => undefined,
  works: [],
};

/**
 * Writes results to their files or sends them, and gives what is printed instead of a
 * summary. A server that does not take them is warned of: what was found stays as
 * it is.
 */
export async function write(
  results: Results,
  outputs: readonly Output[],
  kept: Kept = NOTHING_KEPT,
  onWarning: (message: string) => void = () => {},
): Promise<Content[]> {
  const printed: Content[] = [];
  for (const { reporter, file, address } of outputs) {
    if (address !== undefined) {
      try {
        await reporter.send?.(results, kept, address);
      } catch (error) {
        onWarning(
          `the results were not sent by ${reporter.id}: ${messageOf(error)}`,
        );
      }
      continue;
    }
    try {
      const content = await reporter.render(results, kept);
      if (typeof content !== "string" && !(content instanceof Uint8Array))
        await writeFolder(reporter, file, content);
      else if (file === null) printed.push(content);
      else writeFile(file, content);
    } catch (error) {
      throw failed(reporter, error);
    }
  }
  return printed;
}

async function writeFolder(
  reporter: Reporter,
  folder: string | null,
  files: AsyncIterable<NamedFile>,
): Promise<void> {
  if (folder === null)
    throw new UsageError(
      "REPORTER_FILE",
      `${reporter.id} writes a folder, which cannot be printed`,
      `Name one: --reporter ${reporter.id}:FOLDER.`,
    );
  for await (const { name, content } of files)
    writeFile(join(folder, name), content);
}

const failed = (reporter: Reporter, error: unknown): AssayError =>
  error instanceof AssayError
    ? error
    : new AssayError(
        "REPORTER_FAILED",
        `the reporter "${reporter.id}" failed: ${messageOf(error)}`,
        "Leave it out, or correct it. The run is kept: the same command writes what is left.",
        { cause: error },
      );
