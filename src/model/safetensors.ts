import { z } from "zod";
import { AssayError, readFile } from "#core";
import {
  arrayTypes,
  type DataType,
  type Graph,
  sizeOf,
  type Tensor,
  tensor,
  widened,
} from "#onnx";
import { isAdapter, withAdapter } from "./adapter.ts";

/** The element types of the format that ONNX has too. */
const types: ReadonlyMap<string, DataType> = new Map([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
]);

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/** The format allows no more. */
const LONGEST_HEADER = 100_000_000;

/**
 * The tensors of a safetensors file by name: a length of 8 bytes, a header of JSON,
 * and raw little-endian numbers (https://github.com/huggingface/safetensors).
 *
 * @throws SAFETENSORS_INVALID naming the file and what is wrong with it
 */
export function readSafetensors(path: string): Map<string, Tensor> {
  const bytes = readFile(path);
  const refuse = (why: string) =>
    new AssayError(
      "SAFETENSORS_INVALID",
      `${path} ${why}`,
      "Save the weights again.",
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length >= 8 ? Number(view.getBigUint64(0, true)) : -1;
  if (length < 0 || length > LONGEST_HEADER || 8 + length > bytes.length)
    throw refuse("is no safetensors file, or it is cut off");
  const header = parseHeader(bytes.subarray(8, 8 + length));
  if (!header) throw refuse("has a header that cannot be read");
  const found = new Map<string, Tensor>();
  for (const [name, { dtype, shape, data_offsets }] of header) {
    const type = types.get(dtype);
    if (!type) throw refuse(`holds "${name}" as ${dtype}, which is not known`);
    const [from, to] = data_offsets;
    const Numbers = arrayTypes[type as "float32"];
    const size = sizeOf(shape) * Numbers.BYTES_PER_ELEMENT;
    if (to - from !== size || 8 + length + to > bytes.length)
      throw refuse(
        `holds ${to - from} bytes of "${name}", expected ${size} for ${dtype} [${shape.join(", ")}]`,
      );
    // A copy, since numbers need not lie at a multiple of their size.
    const raw = Uint8Array.from(
      bytes.subarray(8 + length + from, 8 + length + to),
    );
    found.set(name, tensor(type, shape, new Numbers(raw.buffer) as never));
  }
  return found;
}

function parseHeader(bytes: Uint8Array) {
  try {
    const all: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (all === null || typeof all !== "object") return undefined;
    return Object.entries(all)
      .filter(([name]) => name !== "__metadata__")
      .map(([name, entry]) => [name, entrySchema.parse(entry)] as const);
  } catch {
    return undefined;
  }
}

/** What PyTorch saves beside the weights, and exporters leave out. */
const isCount = (name: string) => name.endsWith("num_batches_tracked");

/**
 * The graph with the weights of a safetensors file, each in the place of the
 * constant of its name; or with a LoRA adapter merged into its own.
 *
 * @returns the names that were given; none of an adapter, which leaves others as
 *   they are
 * @throws ADAPTER_CONFIG, ADAPTER_UNKNOWN, ADAPTER_SHAPE, ADAPTER_NUMBERS
 * WEIGHTS_UNKNOWN for a tensor that no constant has the name and shape of
 */
export function withSafetensors(
  graph: Graph,
  path: string,
): { graph: Graph; given?: ReadonlySet<string> } {
  const tensors = readSafetensors(path);
  if (isAdapter(tensors)) return { graph: withAdapter(graph, path, tensors) };
  const given = new Set<string>();
  const constants = new Map(graph.constants);
  for (const [name, value] of tensors) {
    const before = constants.get(name);
    if (!before && isCount(name)) continue;
    const seen = `[${value.dims.join(", ")}]`;
    if (before?.dims.join() !== value.dims.join()) {
      throw new AssayError(
        "WEIGHTS_UNKNOWN",
        before
          ? `${path}: "${name}" has shape ${seen}, the model's [${before.dims.join(", ")}]`
          : `${path}: the model has no weight "${name}" of shape ${seen}`,
        "Export the model from the network that these weights belong to, with its own names (in PyTorch: keep_initializers_as_inputs=False, do_constant_folding=False).",
      );
    }
    constants.set(name, widened(value));
    given.add(name);
  }
  return { graph: { ...graph, constants }, given };
}

/**
 * Refuses a file of weights that leaves some of the model's as they were.
 *
 * @throws WEIGHTS_MISSING
 */
export function requireAll(
  path: string,
  given: ReadonlySet<string>,
  weights: readonly string[],
): void {
  const missing = weights.filter((name) => !given.has(name));
  if (missing.length === 0) return;
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : "";
  throw new AssayError(
    "WEIGHTS_MISSING",
    `${path} lacks ${missing.slice(0, 3).join(", ")}${more}, which the model trains`,
    "Save all weights of the network.",
  );
}
