import { findWeights } from "#model";
import {
  arrayTypes,
  describeNode,
  type Graph,
  type Node,
  normalise,
  readNames,
  type Subgraph,
  sizeOf,
  type Tensor,
  toFloat32,
} from "#onnx";
import type { Check } from "../results/index.ts";
import { checkOf } from "./check.ts";
import { flowChecks } from "./flow.ts";

/**
 * What a graph says against itself before it is run: code of its own, cargo that
 * no computation needs, paths that a trigger may take, numbers that are none.
 *
 * @param file the graph as it is in the file
 * @throws what `normalise` throws
 */
export function staticChecks(file: Graph): Check[] {
  const whole = normalise(toFloat32(file));
  const nodes = [
    ...nodesOf(file),
    ...file.functions.flatMap((f) => f.nodes.flatMap(nodesIn)),
  ];
  return [
    foreignOperators(nodes, file),
    unreadConstants(file),
    largeConstants(whole),
    deadNodes(file),
    ...flowChecks(whole),
    randomOperators(nodes),
    finiteWeights(whole),
    metadata(file),
  ];
}

/**
 * Domains that ONNX itself or ONNX Runtime brings; operators of any other are code
 * of somebody else.
 */
const known: ReadonlySet<string> = new Set([
  "",
  "ai.onnx.ml",
  "ai.onnx.training",
  "ai.onnx.preview.training",
  "com.microsoft",
  "com.microsoft.nchwc",
  "com.ms.internal.nhwc",
]);

function foreignOperators(nodes: readonly Node[], { functions }: Graph): Check {
  const own = new Set(functions.map((f) => `${f.domain}.${f.name}`));
  const foreign = nodes.filter(
    (n) => !known.has(n.domain) && !own.has(`${n.domain}.${n.op}`),
  );
  return checkOf(
    {
      id: "foreign-operators",
      title: "Operators of known libraries only",
      otherwise: "failed",
      clean: "All operators are those of ONNX or ONNX Runtime.",
    },
    foreign.map(describeNode),
    "it runs native code that does not come with ONNX Runtime. Do not load a library for it that you have not built yourself.",
  );
}

function unreadConstants(file: Graph): Check {
  const read = new Set([
    ...nodesOf(file).flatMap(readNames),
    ...file.outputs.map((o) => o.name),
  ]);
  const unread = [...file.constants].filter(([name]) => !read.has(name));
  return checkOf(
    {
      id: "unread-constants",
      title: "Every constant is read",
      otherwise: "warned",
      clean: "Every constant is read by a node.",
    },
    unread.map(([name, t]) => `constant "${name}" (${bytes(t)})`),
    "nothing reads it, so it may be there to be carried. Look at its content, or export the model again without it.",
  );
}

/** Constants of this size are weights, tables, or cargo. */
const LARGE = 2 ** 16;

/** Operators that bring eight-bit weights to where they are used. */
const quantised = /quantize|QLinear|Integer|QAttention|MatMulNBits/i;

function largeConstants(whole: Graph): Check {
  const { trained, left, graph } = findWeights(whole);
  const explained = new Set([
    ...trained.map((w) => w.name),
    ...left.keys(),
    ...graph.nodes
      .filter((n) => quantised.test(n.op) || n.op === "BatchNormalization")
      .flatMap((n) => n.inputs),
  ]);
  const read = new Set(graph.nodes.flatMap(readNames));
  const large = [...graph.constants].filter(
    ([name, t]) =>
      sizeInBytes(t) >= LARGE && !explained.has(name) && read.has(name),
  );
  return checkOf(
    {
      id: "large-constants",
      title: "Large constants are weights",
      otherwise: "warned",
      clean: "Every constant of 64 KiB and more is the weight of a layer.",
    },
    large.map(([name, t]) => `constant "${name}" (${bytes(t)})`),
    "it is large and not the weight of a layer. Find out what it is for.",
  );
}

/**
 * What makes values that are no tensors, which the graph does not list
 * among its outputs.
 */
const ends = /^(ZipMap|Sequence|Optional)/;

function deadNodes(file: Graph): Check {
  const needed = new Set(file.outputs.map((o) => o.name));
  const dead: Node[] = [];
  for (const node of [...file.nodes].reverse()) {
    if (ends.test(node.op) || node.outputs.some((name) => needed.has(name)))
      for (const name of readNames(node)) needed.add(name);
    else dead.unshift(node);
  }
  return checkOf(
    {
      id: "dead-nodes",
      title: "Every node reaches an output",
      otherwise: "warned",
      clean: "Every node has a part in an output.",
    },
    dead.map(describeNode),
    "no output needs it, so it may be there to be carried or switched on later. Export the model again without it.",
  );
}

const drawing = /^(Random(Normal|Uniform)(Like)?|Bernoulli|Multinomial)$/;

function randomOperators(nodes: readonly Node[]): Check {
  return checkOf(
    {
      id: "random-operators",
      title: "Nothing is drawn at random",
      otherwise: "warned",
      clean: "No operator draws at random.",
    },
    nodes.filter((n) => drawing.test(n.op)).map(describeNode),
    "it draws at random, so that answers, and what was measured of them, may not come again. Ask for the reason.",
  );
}

function finiteWeights(whole: Graph): Check {
  const { trained, graph } = findWeights(whole);
  const statistics = graph.nodes
    .filter((n) => n.op === "BatchNormalization")
    .flatMap((n) => n.inputs.slice(3, 5));
  const names = [...new Set([...trained.map((w) => w.name), ...statistics])];
  const bad = names.flatMap((name) => {
    const t = graph.constants.get(name);
    if (t?.type !== "float32") return [];
    const data = t.data as Float32Array;
    const count = data.filter((v) => !Number.isFinite(v)).length;
    return count > 0 ? [`weight "${name}" (${count} of ${data.length})`] : [];
  });
  return checkOf(
    {
      id: "finite-weights",
      title: "Weights are numbers",
      otherwise: "failed",
      clean: "Every weight is finite.",
    },
    bad,
    "it holds infinities or what is not a number. Download or export the model again.",
  );
}

/** Entries beyond this are more than a description. */
const LONGEST = 2 ** 16;

function metadata({ metadata: entries }: Graph): Check {
  const odd = [...entries].flatMap(([key, value]) => {
    const size = Buffer.byteLength(value);
    if (size > LONGEST) return [`entry "${printed(key)}" (${size} bytes)`];
    return isBinary(key + value) ? [`entry "${printed(key)}" (binary)`] : [];
  });
  return checkOf(
    {
      id: "metadata",
      title: "Metadata are short texts",
      otherwise: "warned",
      clean: "All metadata are short texts.",
    },
    odd,
    "it is unusually large or no text. Look at its content before anything reads it.",
  );
}

/** Control characters other than those of lines, or bytes that were no UTF-8. */
const isBinary = (text: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/.test(text);

/** Without what would do something to a terminal. */
const printed = (text: string) => text.replaceAll(/\p{Cc}/gu, "?").slice(0, 60);

/** The nodes of a graph, those in bodies of conditions and loops among them. */
const nodesOf = (graph: Subgraph): Node[] => graph.nodes.flatMap(nodesIn);

const nodesIn = (node: Node): Node[] => [
  node,
  ...Object.values(node.attributes).flatMap((a) =>
    a.kind === "graph" ? nodesOf(a.value) : [],
  ),
];

const sizeInBytes = (t: Tensor) =>
  t.type === "string"
    ? (t.data as string[]).reduce((sum, s) => sum + Buffer.byteLength(s), 0)
    : sizeOf(t.dims) * arrayTypes[t.type].BYTES_PER_ELEMENT;

const bytes = (t: Tensor) => `${sizeInBytes(t).toLocaleString("en")} bytes`;
