import {
  type Dirent,
  lstatSync,
  readdirSync,
  realpathSync,
  statSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { type Standing, standingsIn } from "#audit";
import { sha256, UsageError } from "#core";

/** A run that was found below the paths that a person named. */
export interface FoundRun {
  /** What the address of its page has instead of a path. */
  readonly id: string;
  /** Its folder, from where the command was started. */
  readonly name: string;
  readonly folder: string;
  /** Where its results are, or will be. */
  readonly place: string;
  /** Its results; null where it has none yet. */
  readonly file: string | null;
  /** The commands that work on it now. */
  readonly standings: readonly Standing[];
}

/** How far below a path that was named runs are looked for. */
const DEPTH = 4;

const RESULTS = "results.json";

/**
 * The runs at and below some paths: folders with a results.json, or on which a command
 * works. Links below the paths are not followed, whatever they lead to.
 *
 * @throws FILE_UNREADABLE where a path is not there
 */
export function findRuns(paths: readonly string[]): FoundRun[] {
  const found = new Map<string, FoundRun>();
  for (const path of paths) {
    const real = realPath(path);
    const runs = statSync(real).isDirectory()
      ? below(real, DEPTH)
      : [runAt(real)];
    for (const run of runs) if (!found.has(run.id)) found.set(run.id, run);
  }
  return [...found.values()];
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    throw new UsageError(
      "FILE_UNREADABLE",
      `${path} is not there`,
      "Name folders of runs, or folders that hold some; without any, runs is taken.",
    );
  }
}

function* below(folder: string, depth: number): Generator<FoundRun> {
  const run = runAt(join(folder, RESULTS));
  if (run.file !== null || run.standings.length > 0) {
    yield run;
    return;
  }
  if (depth === 0) return;
  // A link is no directory here.
  for (const entry of entriesOf(folder))
    if (entry.isDirectory() && !isPassedOver(entry.name))
      yield* below(join(folder, entry.name), depth - 1);
}

/** The run whose results are at a place, as it is now. */
export function runAt(place: string): FoundRun {
  const folder = dirname(place);
  return {
    id: sha256(place).slice(0, 16),
    name: nameOf(folder),
    folder,
    place,
    file: isOwnFile(place) ? place : null,
    standings: standingsIn(folder),
  };
}

/** From where the command was started, where that is below it. */
function nameOf(folder: string): string {
  const name = relative(process.cwd(), folder);
  return name.startsWith("..") ? folder : name || ".";
}

/** Whether there is a file, and no link to one. */
function isOwnFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch {
    return false;
  }
}

const isPassedOver = (name: string): boolean =>
  name.startsWith(".") || name === "node_modules";

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // It may not be read, or went meanwhile.
    return [];
  }
}
