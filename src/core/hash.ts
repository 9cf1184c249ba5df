import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { unreadable } from "./files.ts";

/** SHA-256 of bytes or text, in hexadecimal. */
export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/**
 * Where files are read to, a part at a time. A run hashes its files hundreds of times,
 * and memory outside of the heap that is let go makes V8 collect all garbage.
 */
const part = new Uint8Array(2 ** 18);

/** SHA-256 of a file of any size. Throws FILE_UNREADABLE. */
export function sha256OfFile(path: string): string {
  const hash = createHash("sha256");
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    for (;;) {
      const count = readSync(file, part);
      if (count === 0) return hash.digest("hex");
      hash.update(part.subarray(0, count));
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * SHA-256 of a JSON value; objects that are equal hash alike whatever their key order.
 */
export function hashOf(value: unknown): string {
  return sha256(canonicalJson(value));
}

/** JSON with the keys of every object sorted. A Map becomes the list of its pairs. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    inner instanceof Map
      ? [...inner]
      : inner !== null && typeof inner === "object" && !Array.isArray(inner)
        ? Object.fromEntries(
            Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)),
          )
        : inner,
  );
}
