import { hashOf, sha256 } from "#core";
import type { Dataset } from "./dataset.ts";

/** Hexadecimal digits of a fingerprint: 48 bits, so that of 100,000 none meet. */
const DIGITS = 12;

/**
 * What tells each sample from others, in whichever dataset and wherever in it: its
 * values or text, and its class by name or what its outputs should be. Copies of a
 * sample have the same one.
 */
export function sampleFingerprints({
  x,
  y,
  classes,
  targets,
  positions,
  texts,
}: Dataset): string[] {
  const shape = x.dims.slice(1);
  return Array.from(y, (label, i) =>
    hashOf({
      shape,
      sample: texts ? texts.strings[i] : row(x.data, i, y.length),
      answer: targets ? row(targets.data, i, y.length) : classes[label],
      positions,
    }).slice(0, DIGITS),
  );
}

/** The hash of one of `count` rows. */
function row(data: Float32Array, i: number, count: number): string {
  const width = data.length / count;
  const part = data.subarray(i * width, (i + 1) * width);
  return sha256(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
}
