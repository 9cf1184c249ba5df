import { floats, int, sizeOf } from "#onnx";
import type { RuleContext } from "../rule.ts";
import { type Geometry, sights } from "./geometry.ts";

/** Pixels of an image up to which a product for it alone has too few columns. */
const TINY = 16;

/** Pixels of the input times what all taps see of it: for 3x3 taps from 8x8 to 4x4. */
const MOST_PLACES = 9216;

/** Whether a convolution gives images of very few pixels. */
export function isTiny(s: Geometry): boolean {
  const seen = sizeOf([...s.output, ...s.weight.slice(2)]);
  return (
    s.groups === 1 &&
    s.output.length === 2 &&
    sizeOf(s.output) <= TINY &&
    seen * sizeOf(s.input) <= MOST_PLACES
  );
}

/**
 * The gradient of the input of a convolution into tiny images as one product for all
 * samples, whose taps another one adds up. onnxruntime's transposed convolution reads
 * the whole kernel again for each image.
 */
export function foldedProduct(
  b: RuleContext["b"],
  g: string,
  w: string,
  s: Geometry,
): string {
  const [m = 1, c = 1, ...kernel] = s.weight;
  const taps = sizeOf(kernel);
  const outputs = sizeOf(s.output);
  const inputs = sizeOf(s.input);
  const columns = b.transpose(b.reshape(g, [-1, m, outputs]), [1, 0, 2]);
  const products = b.op(
    "Gemm",
    [b.reshape(w, [m, c * taps]), b.reshape(columns, [m, -1])],
    { transA: int(1) },
  );
  const each = b.reshape(products, [c, taps, -1, outputs]);
  const places = new Float32Array(taps * outputs * inputs);
  for (const { tap, output, input } of sights(s))
    places[(tap * outputs + output) * inputs + input] = 1;
  const folded = b.matmul(
    b.reshape(b.transpose(each, [2, 0, 1, 3]), [-1, taps * outputs]),
    b.constant(floats([taps * outputs, inputs], places)),
  );
  return b.reshape(folded, [-1, c, ...s.input]);
}
