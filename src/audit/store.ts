import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeNpy, sha256, sha256OfFile, writeFile } from "#core";
import { decodeNpy } from "#data";
import type { FloatTensor } from "#onnx";

/**
 * What a run has finished, under the hash of all that it depends on. Files are written
 * whole. A record carries the hash of its own bytes and of the files that belong to it;
 * where anything is no longer as it was written, the record counts as missing, and that
 * is told.
 */
export interface Store {
  readonly folder: string;
  path(...parts: string[]): string;
  /** A record, where it and all that belongs to it is as it was written. */
  read<T>(name: string): T | undefined;
  /** Names of the files that belong to a record, which is there. */
  filesOf(name: string): readonly string[];
  /** @param files names of what belongs to it, which is there already */
  write(name: string, record: unknown, files?: readonly string[]): void;
  /** Numbers that belong to a record, which was read before. */
  readTensor(name: string): FloatTensor;
  writeTensor(name: string, value: FloatTensor): void;
}

/** How a record begins; its hash is that of all behind it. */
const BEGIN = '{\n  "sha256": "';

interface Sealed {
  readonly files: readonly (readonly [name: string, hash: string])[];
  readonly record: unknown;
}

/**
 * The store in the folder of a run.
 *
 * @param onDamage told once, in a sentence, of what is not as it was written
 */
export function openStore(
  folder: string,
  onDamage: (message: string) => void = () => {},
): Store {
  const path = (...parts: string[]) => join(folder, ...parts);
  let isOld = false;
  const told = new Set<string>();
  const damaged = (name: string, what: string) => {
    const said = `${name} in the folder of the run ${what}; it is made again.`;
    if (!told.has(said)) onDamage(said);
    told.add(said);
    return undefined;
  };
  return {
    folder,
    path,
    read<T>(name: string): T | undefined {
      if (!existsSync(path(name))) return undefined;
      const text = readFileSync(path(name), "utf8");
      const sealed = opened(text);
      if (!sealed) {
        if (!isUnsealed(text)) return damaged(name, "is not as it was written");
        if (!isOld)
          onDamage(
            "The folder of the run was made by an earlier version, which kept no hashes; what is in it is made again.",
          );
        isOld = true;
        return undefined;
      }
      for (const [file, hash] of sealed.files) {
        if (!existsSync(path(file)))
          return damaged(file, "is not there any more");
        if (sha256OfFile(path(file)) !== hash)
          return damaged(file, "is not as it was written");
      }
      return sealed.record as T;
    },
    filesOf: (name) => namedIn(readFileSync(path(name), "utf8")) ?? [],
    write(name, record, files = []) {
      const hashes = files.map((file) => [file, sha256OfFile(path(file))]);
      writeFile(path(name), seal({ files: hashes as never, record }));
    },
    readTensor: (name) => decodeNpy(readFileSync(path(name)), path(name)),
    writeTensor: (name, value) => writeFile(path(name), encodeNpy(value)),
  };
}

/**
 * Names of the files that belong to the record with this text; undefined where it is
 * not as it was written.
 */
export const namedIn = (text: string): readonly string[] | undefined =>
  opened(text)?.files.map(([name]) => name);

function seal(sealed: Sealed): string {
  const rest = `${JSON.stringify(sealed, null, 2).slice(2)}\n`;
  return `${BEGIN}${sha256(rest)}",\n${rest}`;
}

/** What is in a record; undefined where a byte of it has changed. */
function opened(text: string): Sealed | undefined {
  const rest = text.slice(text.indexOf('",\n') + 3);
  return text === `${BEGIN}${sha256(rest)}",\n${rest}`
    ? JSON.parse(text)
    : undefined;
}

/** Whether it is a whole record without a hash, as earlier versions wrote them. */
function isUnsealed(text: string): boolean {
  if (text.startsWith(BEGIN)) return false;
  try {
    const value: unknown = JSON.parse(text);
    return !(value instanceof Object && "files" in value && "record" in value);
  } catch {
    return false;
  }
}
