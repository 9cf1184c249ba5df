import { AssayError } from "#core";
import { attribute, type Dim, describeNode, type Node } from "./graph.ts";

/**
 * Geometry of a convolution or pooling along its spatial axes, with automatic
 * padding resolved.
 */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly ceil: boolean;
}

/**
 * Reads the window of a Conv or pool node.
 *
 * @param spatial sizes of the spatial axes of the input
 * @param kernel sizes of the kernel when the node does not state them
 * @throws ONNX_WINDOW when automatic padding meets an unknown size
 */
export function windowOf(
  node: Node,
  spatial: readonly Dim[],
  kernel?: readonly number[],
): Window {
  const size = attribute(node, "kernel_shape", "ints", kernel);
  if (size === undefined) {
    throw new AssayError(
      "ONNX_WINDOW",
      `${describeNode(node)} states no kernel_shape`,
      "Export the model again; the file does not follow the ONNX standard.",
    );
  }
  const rank = size.length;
  const fill = (value: number) => new Array<number>(rank).fill(value);
  const strides = attribute(node, "strides", "ints", fill(1));
  const dilations = attribute(node, "dilations", "ints", fill(1));
  const ceil = attribute(node, "ceil_mode", "int", 0) === 1;
  const auto = attribute(node, "auto_pad", "string", "NOTSET");
  if (auto === "NOTSET" || auto === "") {
    const pads = attribute(node, "pads", "ints", fill(0).concat(fill(0)));
    return {
      kernel: size,
      strides,
      dilations,
      padsBegin: pads.slice(0, rank),
      padsEnd: pads.slice(rank),
      ceil,
    };
  }
  if (auto === "VALID") {
    return {
      kernel: size,
      strides,
      dilations,
      padsBegin: fill(0),
      padsEnd: fill(0),
      ceil,
    };
  }
  const padsBegin: number[] = [];
  const padsEnd: number[] = [];
  for (let i = 0; i < rank; i++) {
    const length = spatial[i];
    const stride = strides[i] ?? 1;
    // onnxruntime pads pools as if they were not dilated, and refuses
    // such convolutions.
    const extent = size[i] ?? 1;
    // With stride 1 the total does not depend on the length.
    if (typeof length !== "number" && stride !== 1) {
      throw new AssayError(
        "ONNX_WINDOW",
        `${describeNode(node)} pads automatically (${auto}) but the size of its input is not known`,
        "State the input size in the suite, or export the model with fixed image sizes.",
      );
    }
    const total =
      typeof length === "number"
        ? Math.max(
            0,
            (Math.ceil(length / stride) - 1) * stride + extent - length,
          )
        : extent - 1;
    const small = Math.floor(total / 2);
    padsBegin.push(auto === "SAME_UPPER" ? small : total - small);
    padsEnd.push(auto === "SAME_UPPER" ? total - small : small);
  }
  return { kernel: size, strides, dilations, padsBegin, padsEnd, ceil: false };
}

/** Output sizes of a window over the spatial axes. */
export function windowOutput(window: Window, spatial: readonly Dim[]): Dim[] {
  return window.kernel.map((kernel, i) => {
    const length = spatial[i];
    const stride = window.strides[i] ?? 1;
    const padding = (window.padsBegin[i] ?? 0) + (window.padsEnd[i] ?? 0);
    const extent = (kernel - 1) * (window.dilations[i] ?? 1) + 1;
    if (typeof length !== "number") {
      return stride === 1 && padding === extent - 1 ? (length ?? null) : null;
    }
    const steps = (length + padding - extent) / stride;
    if (!window.ceil) return Math.floor(steps) + 1;
    const out = Math.ceil(steps) + 1;
    // The last window must start inside the input or its leading padding.
    return (out - 1) * stride >= length + (window.padsBegin[i] ?? 0)
      ? out - 1
      : out;
  });
}
