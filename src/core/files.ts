import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import writeFileAtomic from "write-file-atomic";
import { AssayError, messageOf } from "./errors.ts";

/**
 * Writes a file whole or not at all, making its folder first. Throws FILE_UNWRITABLE.
 */
export function writeFile(path: string, content: string | Uint8Array): void {
  try {
    makeFolder(dirname(path));
    writeFileAtomic.sync(
      path,
      typeof content === "string" ? content : Buffer.from(content),
    );
  } catch (error) {
    throw unwritable(path, error);
  }
}

/**
 * Writes a file of any size part by part, whole or not at all. Throws FILE_UNWRITABLE,
 * and what the parts throw.
 */
export function writeParts(path: string, parts: Iterable<Uint8Array>): void {
  const draft = `${path}.part`;
  try {
    makeFolder(dirname(path));
    const file = openSync(draft, "w");
    try {
      for (const part of parts) {
        for (let at = 0; at < part.length; )
          at += writeSync(file, part, at, Math.min(part.length - at, 2 ** 30));
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    if (existsSync(draft)) rmSync(draft);
    throw unwritable(path, error);
  }
}

/**
 * The user's folder for what may be removed at any time, which ASSAY_CACHE names
 * otherwise.
 */
export const cacheFolder = (): string =>
  process.env.ASSAY_CACHE ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "assay");

/**
 * Makes a folder and those around it, one by one: all at once, Node goes on for ever
 * where the file system says that what is around is missing, as /proc does.
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another process may have made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/**
 * What the file system says of a file that cannot be written, in words;
 * another error as it is.
 */
function unwritable(path: string, error: unknown): unknown {
  if (!(error instanceof Error && "syscall" in error)) return error;
  return new AssayError(
    "FILE_UNWRITABLE",
    `${path} cannot be written (${messageOf(error)})`,
    "Name another folder with --out, or make room there.",
    { cause: error },
  );
}

/**
 * Reads a file that the user named. Throws FILE_UNREADABLE when it is missing, a folder
 * or not permitted.
 */
export function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Bytes of a file that the user named. Throws FILE_UNREADABLE. */
export function fileSize(path: string): number {
  try {
    return statSync(path).size;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * Some bytes of a file that the user named, or as many as it has.
 *
 * @throws FILE_UNREADABLE
 */
export function readBytes(
  path: string,
  from: number,
  length: number,
): Uint8Array {
  try {
    const file = openSync(path, "r");
    try {
      // Its own memory, so that numbers in it are aligned.
      const bytes = new Uint8Array(length);
      let count = 0;
      while (count < length) {
        const more = readSync(file, bytes, count, length - count, from + count);
        if (more === 0) break;
        count += more;
      }
      return bytes.subarray(0, count);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** What the file system says of a file that cannot be read, in words. */
export function unreadable(path: string, error: unknown): AssayError {
  const code = (error as NodeJS.ErrnoException).code;
  const why =
    code === "ENOENT"
      ? "does not exist"
      : code === "EISDIR"
        ? "is a folder, not a file"
        : `cannot be read (${messageOf(error)})`;
  return new AssayError(
    "FILE_UNREADABLE",
    `${path} ${why}`,
    "Check the path; relative paths are taken from the current folder, or from the suite's folder inside a suite.",
  );
}

let root: string | undefined;

/** A path inside the installed package, the same from source and from dist/. */
export function packagePath(...parts: string[]): string {
  if (root === undefined) {
    let folder = dirname(fileURLToPath(import.meta.url));
    while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
    root = folder;
  }
  return join(root, ...parts);
}

/** The version in package.json. */
export function packageVersion(): string {
  const text = readFileSync(packagePath("package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
