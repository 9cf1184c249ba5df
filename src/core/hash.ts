import { createHash } from "node:crypto";

/** SHA-256 of bytes or text, in hexadecimal. */
export function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
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
