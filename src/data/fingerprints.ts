import { hashOf, sha256 } from "#core";
import { type FloatTensor, rows } from "#onnx";
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
      sample: texts ? texts.strings[i] : row(x, i),
      answer: targets ? row(targets, i) : classes[label],
      positions,
    }).slice(0, DIGITS),
  );
}

/** The hash of a row. */
function row(x: FloatTensor, i: number): string {
  const { data } = rows(x, i, i + 1);
  return sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
