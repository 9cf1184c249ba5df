import {
  attribute,
  axisOf,
  fixed,
  type Node,
  numbers,
  resizingMap,
} from "#onnx";
import { alongAxis } from "../linear-map.ts";
import {
  type Rule,
  type RuleContext,
  type RuleTable,
  unsupported,
} from "../rule.ts";

/**
 * Resizing is a linear map along each axis: the gradient goes back
 * through its transpose.
 */
const resize: Rule = ({ b, node, inputs, x, y: roi, out, g }) => {
  const scalesInput = inputs[2];
  const input = fixedSizes(b.rankedDims(x));
  const output = fixedSizes(b.rankedDims(out));
  const rank = input.length;
  const axes = (
    attribute(node, "axes", "ints", undefined) ?? input.map((_, i) => i)
  ).map((a) => axisOf(a, rank));
  const constant = (name: string | undefined) =>
    name ? b.constantOf(name) : undefined;
  const scales = constant(scalesInput);
  const region = constant(roi);
  if (scalesInput && !scales) throw computed(node);
  const stated = scales && sizeIsThere(scales) ? numbers(scales) : undefined;
  const policy = attribute(
    node,
    "keep_aspect_ratio_policy",
    "string",
    "stretch",
  );
  const regions = region && sizeIsThere(region) ? numbers(region) : undefined;
  let back = g;
  axes.forEach((axis, i) => {
    const [from, to] = [input[axis], output[axis]];
    // The batch is never resized.
    const untouched = from === undefined && (stated?.[i] ?? 1) === 1;
    if (untouched || (from === to && (stated?.[i] ?? 1) === 1 && !regions))
      return;
    if (from === undefined || to === undefined) throw unknownSize(node);
    const kept =
      policy === "stretch"
        ? f32(to / from)
        : commonScale(b, node, inputs[3], axes, input, policy);
    const map = resizingMap(node, {
      from,
      to,
      scale: stated?.[i] ?? kept,
      crop: regions ? [regions[i] ?? 0, regions[i + axes.length] ?? 1] : [0, 1],
    });
    back = alongAxis(b, back, axis, map);
  });
  return [back];
};

const f32 = Math.fround;

const fixedSizes = (dims: readonly unknown[]) =>
  dims.map((d) => (typeof d === "number" ? d : undefined));

const sizeIsThere = (t: { data: ArrayLike<unknown> }) => t.data.length > 0;

const computed = (node: Node) =>
  unsupported(
    node,
    "its scales are computed while the model runs",
    "Export the model with fixed input sizes, so that they become constants.",
  );

const unknownSize = (node: Node) =>
  unsupported(
    node,
    "the image size is not known",
    "State the input shape in the suite, or export the model with a fixed image size.",
  );

/** The one scale of all axes when the aspect ratio is kept. */
function commonScale(
  b: RuleContext["b"],
  node: Node,
  sizesInput: string | undefined,
  axes: readonly number[],
  input: readonly (number | undefined)[],
  policy: string,
): number {
  const sizes = b.intsOf(sizesInput);
  const lengths = fixed(axes.map((a) => input[a] ?? null));
  if (!sizes || !lengths) throw unknownSize(node);
  const ratios = sizes.map((size, i) => f32(size / lengths[i]!));
  return policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
}

export const resampling: RuleTable = { Resize: resize };
