import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFile } from "#core";
import { decodeNpy, encodeNpy } from "#data";
import type { FloatTensor } from "#onnx";

/**
 * What a run has finished, under the hash of all that it depends on. Files are written
 * whole. A file that is damaged counts as missing.
 */
export interface Store {
  readonly folder: string;
  path(...parts: string[]): string;
  read<T>(name: string): T | undefined;
  write(name: string, value: unknown): void;
  readTensor(name: string): FloatTensor | undefined;
  writeTensor(name: string, value: FloatTensor): void;
}

/** The store in the folder of a run. */
export function openStore(folder: string): Store {
  const path = (...parts: string[]) => join(folder, ...parts);
  const attempt = <T>(
    name: string,
    decode: (bytes: Buffer) => T,
  ): T | undefined => {
    if (!existsSync(path(name))) return undefined;
    try {
      return decode(readFileSync(path(name)));
    } catch {
      return undefined;
    }
  };
  return {
    folder,
    path,
    read: <T>(name: string) =>
      attempt(name, (bytes) => JSON.parse(bytes.toString("utf8")) as T),
    write: (name, value) =>
      writeFile(path(name), `${JSON.stringify(value, null, 2)}\n`),
    readTensor: (name) =>
      attempt(name, (bytes) => decodeNpy(bytes, path(name))),
    writeTensor: (name, value) => writeFile(path(name), encodeNpy(value)),
  };
}
