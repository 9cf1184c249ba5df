import { attribute } from "../graph.ts";
import { floats, numbers } from "../tensor.ts";
import {
  cannotExpand,
  type Expansion,
  type ExpansionTable,
} from "./expansion.ts";

/**
 * A product with weights packed into blocks of a few bits: they are unpacked
 * into floats, which are exact, and can be trained.
 */
const matMulNBits: Expansion = ({ b, node, inputs }) => {
  const [x = "", packed = "", scaleName = "", zeroName, groups, bias] = inputs;
  const [weights, scales, zeros] = [packed, scaleName, zeroName].map((name) =>
    name ? b.constantOf(name) : undefined,
  );
  const rows = attribute(node, "N", "int", 0);
  const columns = attribute(node, "K", "int", 0);
  const bits = attribute(node, "bits", "int", 4);
  const block = attribute(node, "block_size", "int", 32);
  const refuse = (what: string) =>
    cannotExpand(node, what, "Export the model with float weights.");
  if (!weights || !scales || (zeroName && !zeros))
    throw refuse("its weights are computed while the model runs");
  if (groups) throw refuse("its columns are in another order");
  if (![2, 4, 8].includes(bits) || weights.type !== "uint8")
    throw refuse(`its weights have ${bits} bits`);
  const scale = numbers(scales);
  const bytes = weights.data as Uint8Array;
  const blocks = Math.ceil(columns / block);
  const perByte = 8 / bits;
  const bytesOfBlock = block / perByte;
  const read = (data: Uint8Array, base: number, at: number) =>
    (data[base + Math.floor(at / perByte)]! >> ((at % perByte) * bits)) &
    (2 ** bits - 1);
  // Zero points are packed along the blocks of each row, or are floats.
  const zeroBytes = Math.ceil(blocks / perByte);
  const zeroOf = (row: number, at: number) => {
    if (!zeros) return 2 ** (bits - 1);
    return zeros.type === "uint8"
      ? read(zeros.data as Uint8Array, row * zeroBytes, at)
      : Number(zeros.data[row * blocks + at]);
  };
  const plain = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) {
      const at = Math.floor(c / block);
      const base = (row * blocks + at) * bytesOfBlock;
      const value = read(bytes, base, c % block) - zeroOf(row, at);
      plain[c * rows + row] = value * scale[row * blocks + at]!;
    }
  }
  const product = b.matmul(x, b.constant(floats([columns, rows], plain)));
  return [bias ? b.add(product, bias) : product];
};

export const packedWeights: ExpansionTable = {
  "com.microsoft.MatMulNBits": matMulNBits,
};
