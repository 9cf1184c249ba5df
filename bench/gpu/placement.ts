import { readFileSync } from "node:fs";
import { packagePath } from "#core";
import { type Graph, GraphBuilder, type Node } from "#onnx";

/**
 * Providers of which it is known what they have kernels for: from lists of theirs in
 * bench/gpu/support.tsv, and of WebGPU from asking it, in bench/gpu/webgpu.tsv.
 */
export const providers = [
  "cuda",
  "directml",
  "webgpu",
  "coreml",
  "coreml-mlprogram",
] as const;
export type Provider = (typeof providers)[number];

/** One line of the table. */
interface Kernel {
  /** First and last version of the operator; the same where it serves exactly one. */
  readonly from: number;
  readonly to: number;
  /** The types of inputs and of outputs; absent where the list names none. */
  readonly inputs?: readonly ReadonlySet<string>[];
  readonly outputs?: readonly ReadonlySet<string>[];
}

/** What providers have, and in which versions of ONNX each operator changed. */
export interface Support {
  readonly changes: ReadonlyMap<string, readonly number[]>;
  readonly kernels: ReadonlyMap<string, readonly Kernel[]>;
  /** Whether WebGPU has a form of an operator; see `signatureOf`. */
  readonly asked: ReadonlyMap<string, boolean>;
}

/** Nodes of one operator that a provider leaves to the CPU. */
export interface Fallback {
  readonly operator: string;
  readonly why:
    | "no kernel"
    | "version"
    | "types"
    | "not constant"
    | "not asked";
  readonly nodes: number;
}

const keyOf = (provider: string, operator: string) => `${provider} ${operator}`;

const linesOf = (file: string) =>
  readFileSync(packagePath(`bench/gpu/${file}`), "utf8")
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.split("\t"));

/** Reads the tables that bench/gpu/support.py and bench/gpu/webgpu.ts write. */
export function readSupport(): Support {
  const changes = new Map<string, readonly number[]>();
  const kernels = new Map<string, Kernel[]>();
  for (const [
    provider = "",
    operator = "",
    opsets = "",
    form = "",
    says = "",
  ] of linesOf("support.tsv")) {
    if (provider === "onnx") {
      changes.set(operator, opsets.split(",").map(Number));
      continue;
    }
    const key = keyOf(provider, operator);
    const all = kernels.get(key) ?? [];
    all.push({ ...versionsOf(opsets), ...typesOf(form, says) });
    kernels.set(key, all);
  }
  const asked = new Map(
    linesOf("webgpu.tsv").map(([key = "", has]) => [key, has === "yes"]),
  );
  return { changes, kernels, asked };
}

/**
 * "6-12" is a range. "13+" serves version 13 alone, as onnxruntime matches it: nothing
 * is known of versions that came later.
 */
function versionsOf(opsets: string): Pick<Kernel, "from" | "to"> {
  if (opsets === "any") return { from: 1, to: Number.POSITIVE_INFINITY };
  const [from = 0, to = from] = opsets.replace("+", "").split("-").map(Number);
  return { from, to };
}

function typesOf(
  form: string,
  says: string,
): Pick<Kernel, "inputs" | "outputs"> {
  if (!form) return {};
  const constraints = new Map(
    says.split("; ").map((c) => {
      const [name = "", types = ""] = c.split("=");
      return [name, new Set(types.split(","))];
    }),
  );
  const [inputs = [], outputs = []] = form
    .split(" > ")
    .map((side) =>
      side.split(" ").map((name) => constraints.get(name) ?? new Set([name])),
    );
  return { inputs, outputs };
}

/**
 * What of a graph a provider leaves to the CPU by its list. Nodes that only compute
 * shapes are passed over: onnxruntime keeps these on the CPU by itself.
 */
export function fallbacksOf(
  graph: Graph,
  provider: Provider,
  support: Support,
): readonly Fallback[] {
  const b = new GraphBuilder(graph);
  const opset = graph.opsets.get("") ?? 18;
  const found = new Map<string, Fallback>();
  for (const node of valuesOnly(graph)) {
    const why = whyNot(node, { b, graph, opset, provider, support });
    if (!why) continue;
    const key = `${node.op} ${why}`;
    const nodes = (found.get(key)?.nodes ?? 0) + 1;
    found.set(key, { operator: nameOf(node), why, nodes });
  }
  return [...found.values()];
}

const nameOf = ({ op, domain }: Node) => (domain ? `${domain}.${op}` : op);

/** What of a node decides whether a device has a kernel: operator, version, types. */
export function signatureOf(node: Node, b: GraphBuilder, graph: Graph): string {
  // However many of one type there are: Concat and the like take any number.
  const types = (names: readonly string[]) =>
    names
      .map((name) => (name ? b.type(name) : "-"))
      .filter((type, i, all) => type !== all[i - 1])
      .join(" ");
  const opset = graph.opsets.get(node.domain) ?? 1;
  return `${nameOf(node)} ${opset}: ${types(node.inputs)} > ${types(node.outputs)}`;
}

interface Place {
  readonly b: GraphBuilder;
  readonly graph: Graph;
  readonly opset: number;
  readonly provider: Provider;
  readonly support: Support;
}

function whyNot(node: Node, place: Place): Fallback["why"] | undefined {
  const { b, graph, opset, provider, support } = place;
  if (provider === "webgpu") {
    const has = support.asked.get(signatureOf(node, b, graph));
    return has ? undefined : has === undefined ? "not asked" : "no kernel";
  }
  const all = support.kernels.get(keyOf(provider, nameOf(node)));
  if (!all) return "no kernel";
  const since = Math.max(
    ...(support.changes.get(node.op) ?? []).filter((v) => v <= opset),
  );
  const some = all.filter(({ from, to }) => from <= since && since <= to);
  if (some.length === 0) return "version";
  const fits = (names: readonly string[], types: Kernel["inputs"]) =>
    !types ||
    names.every((name, i) => {
      const allowed = types[Math.min(i, types.length - 1)];
      return !name || !allowed || allowed.has(ortType(b.type(name)));
    });
  if (
    !some.some(
      (k) => fits(node.inputs, k.inputs) && fits(node.outputs, k.outputs),
    )
  )
    return "types";
  const at = constants[provider]?.[node.op] ?? [];
  return at.some((i) => node.inputs[i] && !graph.constants.has(node.inputs[i]))
    ? "not constant"
    : undefined;
}

const ortType = (type: string) =>
  type === "float32" ? "float" : type === "float64" ? "double" : type;

/**
 * Inputs that CoreML needs as constants, by what its lists say in words: "weights",
 * "input B", "pads", "splits".
 */
const constants: Readonly<
  Partial<Record<Provider, Readonly<Record<string, readonly number[]>>>>
> = {
  coreml: {
    Conv: [1, 2],
    Gemm: [1],
    MatMul: [1],
    Pad: [1, 2, 3],
    PRelu: [1],
  },
  "coreml-mlprogram": {
    Conv: [2],
    ConvTranspose: [1, 2],
    Gemm: [1],
    Slice: [1, 2, 3, 4],
    Split: [1],
  },
};

/** The nodes that compute with numbers of samples or weights, and not with shapes. */
function valuesOnly(graph: Graph): readonly Node[] {
  const values = new Set(graph.inputs.map((i) => i.name));
  return graph.nodes.filter((node) => {
    if (!isAbout(node)) return false;
    if (!node.inputs.some((name) => values.has(name))) return false;
    for (const name of node.outputs) values.add(name);
    return true;
  });
}

/** Whether a node reads more of a value than its shape. */
export const isAbout = ({ op }: Node) => op !== "Shape" && op !== "Size";
