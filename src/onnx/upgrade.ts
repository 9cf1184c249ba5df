import { AssayError } from "#core";
import type { GraphBuilder } from "./builder.ts";
import { axisOf } from "./dims.ts";
import {
  attribute,
  describeNode,
  int,
  type Node,
  OPSET,
  string,
} from "./graph.ts";
import { floats } from "./tensor.ts";

/** What an upgrade may use besides the node. */
interface UpgradeContext {
  /** The opset that the node was written for. */
  readonly version: number;
  readonly b: GraphBuilder;
}

/** Turns a node of an older opset into nodes of opset 18 with the same outputs. */
type Upgrade = (node: Node, context: UpgradeContext) => readonly Node[];

const without = (node: Node, ...names: string[]) =>
  Object.fromEntries(
    Object.entries(node.attributes).filter(([name]) => !names.includes(name)),
  );

/** Moves an attribute of integers to an input. */
const intsToInput =
  (name: string, at: number, since: number): Upgrade =>
  (node, { version, b }) => {
    const value = attribute(node, name, "ints", undefined);
    if (version >= since || value === undefined) return [node];
    const inputs = [...node.inputs];
    while (inputs.length < at) inputs.push("");
    inputs[at] = b.ints(value);
    return [{ ...node, inputs, attributes: without(node, name) }];
  };

/** Before opset 13 everything from `axis` on was one row. */
const flattened: Upgrade = (node, { version, b }) => {
  if (version >= 13) return [node];
  const [x = ""] = node.inputs;
  const axis = attribute(node, "axis", "int", 1);
  const dims = b.dims(x);
  const last = dims
    ? axisOf(axis, dims.length) === dims.length - 1
    : axis === -1;
  if (last)
    return [{ ...node, attributes: { ...node.attributes, axis: int(-1) } }];
  const [y = ""] = node.outputs;
  const at = (part: string) => `${y}/${part}`;
  const step = (
    op: string,
    inputs: string[],
    output: string,
    attributes: Node["attributes"] = {},
  ): Node => ({
    name: output,
    op,
    domain: "",
    inputs,
    outputs: [output],
    attributes,
  });
  return [
    step("Flatten", [x], at("rows"), { axis: int(axis) }),
    {
      ...node,
      inputs: [at("rows")],
      outputs: [at("result")],
      attributes: { axis: int(1) },
    },
    step("Shape", [x], at("shape")),
    step("Reshape", [at("result"), at("shape")], y),
  ];
};

const clip: Upgrade = (node, { version, b }) => {
  if (version >= 11) return [node];
  const limit = (name: string) => {
    const value = attribute(node, name, "float", undefined);
    return value === undefined
      ? ""
      : b.scalar(value, b.type(node.inputs[0] ?? ""));
  };
  return [
    {
      ...node,
      inputs: [node.inputs[0] ?? "", limit("min"), limit("max")],
      attributes: {},
    },
  ];
};

const pad: Upgrade = (node, { version, b }) => {
  if (version >= 11) return [node];
  const pads = attribute(
    node,
    "pads",
    "ints",
    attribute(node, "paddings", "ints", []),
  );
  const value = attribute(node, "value", "float", 0);
  const mode = attribute(node, "mode", "string", "constant");
  const [x = ""] = node.inputs;
  return [
    {
      ...node,
      inputs: [x, b.ints(pads), b.scalar(value, b.type(x))],
      attributes: { mode: string(mode) },
    },
  ];
};

const slice: Upgrade = (node, { version, b }) => {
  if (version >= 10) return [node];
  const starts = attribute(node, "starts", "ints", []);
  const axes = attribute(
    node,
    "axes",
    "ints",
    starts.map((_, i) => i),
  );
  return [
    {
      ...node,
      inputs: [
        node.inputs[0] ?? "",
        b.ints(starts),
        b.ints(attribute(node, "ends", "ints", [])),
        b.ints(axes),
      ],
      attributes: {},
    },
  ];
};

const topK: Upgrade = (node, { version, b }) =>
  version >= 10
    ? [node]
    : [
        {
          ...node,
          inputs: [
            node.inputs[0] ?? "",
            b.ints([attribute(node, "k", "int", 1)]),
          ],
          attributes: without(node, "k"),
        },
      ];

const dropout: Upgrade = (node, { version, b }) => {
  if (version >= 12) return [node];
  const ratio = b.constant(
    floats([], [attribute(node, "ratio", "float", 0.5)]),
  );
  return [{ ...node, inputs: [node.inputs[0] ?? "", ratio], attributes: {} }];
};

const scan: Upgrade = (node, { version }) => {
  if (version < 9) {
    throw new AssayError(
      "OPSET_UNSUPPORTED",
      `${describeNode(node)} is of opset ${version}, where Scan takes a batch of sequences`,
      "Export the model again with opset 9 or later.",
    );
  }
  return [node];
};

const batchNormalization: Upgrade = (node, { version }) => {
  if (version < 9 && attribute(node, "spatial", "int", 1) === 0) {
    throw new AssayError(
      "OPSET_UNSUPPORTED",
      `${describeNode(node)} normalises each pixel apart (spatial=0), which newer opsets cannot say`,
      "Export the model again with opset 9 or later.",
    );
  }
  // The further outputs of older opsets were for training only.
  return version >= 14
    ? [node]
    : [
        {
          ...node,
          outputs: node.outputs.slice(0, 1),
          attributes: without(node, "spatial", "is_test", "consumed_inputs"),
        },
      ];
};

/**
 * Before opset 11 images were scaled from their corner, and the nearest pixel
 * was the one before.
 */
const resize: Upgrade = (node, { version, b }) => {
  if (version >= 11) return [node];
  const stated = attribute(node, "scales", "floats", undefined);
  const scales = stated
    ? b.constant(floats([stated.length], stated))
    : (node.inputs[1] ?? "");
  const mode = attribute(node, "mode", "string", "nearest");
  return [
    {
      ...node,
      op: "Resize",
      inputs: [node.inputs[0] ?? "", "", scales],
      attributes: {
        mode: string(mode),
        coordinate_transformation_mode: string("asymmetric"),
        nearest_mode: string("floor"),
      },
    },
  ];
};

const split: Upgrade = (node, context) => {
  const [moved = node] = intsToInput("split", 1, 13)(node, context);
  const sized = moved.inputs[1] !== undefined && moved.inputs[1] !== "";
  return context.version >= 18 || sized
    ? [moved]
    : [
        {
          ...moved,
          attributes: {
            ...moved.attributes,
            num_outputs: int(node.outputs.length),
          },
        },
      ];
};

/** Constants of old opsets by type, where a Cast named its type by a word. */
const castCodes: Readonly<Record<string, number>> = {
  FLOAT: 1,
  INT32: 6,
  INT64: 7,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
};

const cast: Upgrade = (node) => {
  const to = node.attributes.to;
  if (to?.kind !== "string") return [node];
  return [{ ...node, attributes: { to: int(castCodes[to.value] ?? 1) } }];
};

const reductions = [
  "ReduceMean",
  "ReduceMax",
  "ReduceMin",
  "ReduceProd",
  "ReduceL1",
  "ReduceL2",
  "ReduceLogSum",
  "ReduceLogSumExp",
  "ReduceSumSquare",
];

/**
 * The operators that changed between opset 7 and 18 in more than the types they take.
 */
export const upgrades: Readonly<Record<string, Upgrade>> = {
  Squeeze: intsToInput("axes", 1, 13),
  Unsqueeze: intsToInput("axes", 1, 13),
  ReduceSum: intsToInput("axes", 1, 13),
  ...Object.fromEntries(
    reductions.map((op) => [op, intsToInput("axes", 1, 18)]),
  ),
  Split: split,
  Softmax: flattened,
  LogSoftmax: flattened,
  Hardmax: flattened,
  Clip: clip,
  Pad: pad,
  Slice: slice,
  TopK: topK,
  Dropout: dropout,
  // Its name until opset 11.
  Scatter: (node) => [{ ...node, op: "ScatterElements" }],
  BatchNormalization: batchNormalization,
  Scan: scan,
  Resize: resize,
  Upsample: resize,
  Cast: cast,
};

/** The oldest opset that can be upgraded, and the newest that onnxruntime runs. */
export const OPSET_RANGE = [7, 26] as const;

/** Nodes of one opset as nodes of opset 18 or above. */
export function upgradeNode(
  node: Node,
  context: UpgradeContext,
): readonly Node[] {
  if (context.version >= OPSET || node.domain !== "") return [node];
  const known = Object.hasOwn(upgrades, node.op);
  return (known && upgrades[node.op]?.(node, context)) || [node];
}
