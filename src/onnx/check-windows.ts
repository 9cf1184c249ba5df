import type { AssayError } from "#core";
import { attribute, describeNode, type Node } from "./graph.ts";

/** Where each operator with a kernel of weights has it. */
const kernelAt: ReadonlyMap<string, number> = new Map([
  ["Conv", 1],
  ["ConvTranspose", 1],
  ["ConvInteger", 1],
  ["QLinearConv", 3],
]);

const pools: ReadonlySet<string> = new Set([
  "AveragePool",
  "MaxPool",
  "LpPool",
  "MaxUnpool",
]);

/** No window, step or padding of a real model is larger. */
const LARGEST = 2 ** 16;

/**
 * Refuses windows that do not fit their weights, or are absurd: onnxruntime may end the
 * whole process on one, or read beyond its memory.
 *
 * @param dimsOf the shape of a value, where it is known
 * @param refuse makes the error of what is wrong
 */
export function checkWindows(
  nodes: readonly Node[],
  dimsOf: (name: string) => readonly number[] | undefined,
  refuse: (what: string) => AssayError,
): void {
  for (const node of nodes) {
    const at = kernelAt.get(node.op);
    if (at === undefined && !pools.has(node.op)) continue;
    const called = describeNode(node);
    for (const [name, least] of [
      ["kernel_shape", 1],
      ["strides", 1],
      ["dilations", 1],
      ["pads", -LARGEST],
    ] as const) {
      const wrong = attribute(node, name, "ints", []).find(
        (v) => !(v >= least && v <= LARGEST),
      );
      if (wrong !== undefined)
        throw refuse(`${called} has ${wrong} among its ${name}`);
    }
    const weight = dimsOf(node.inputs[at ?? -1] ?? "");
    const stated = attribute(node, "kernel_shape", "ints", []);
    const kernel = weight?.slice(2);
    if (kernel && stated.length > 0 && stated.join() !== kernel.join())
      throw refuse(
        `${called} has kernel_shape [${stated.join(", ")}], its weight [${kernel.join(", ")}]`,
      );
    const group = attribute(node, "group", "int", 1);
    if (weight && !(group >= 1 && (weight[0] ?? 0) % group === 0))
      throw refuse(
        `${called} has ${group} groups of a weight [${weight.join(", ")}]`,
      );
  }
}
