import type { FloatTensor } from "#onnx";

/** A tensor as the format holds it. */
export interface Entry {
  dtype: string;
  shape: readonly number[];
  bytes: Uint8Array;
}

/** A file as the format's page describes it. */
export function safetensorsOf(
  entries: Record<string, Entry> | ReadonlyMap<string, Entry>,
): Uint8Array {
  let at = 0;
  const named: [string, Entry][] = [
    ...(entries instanceof Map ? entries : Object.entries(entries)),
  ];
  const header = named.map(([key, { dtype, shape, bytes }]) => {
    const data_offsets = [at, at + bytes.length];
    at += bytes.length;
    return `${JSON.stringify(key)}:${JSON.stringify({ dtype, shape, data_offsets })}`;
  });
  const all = [`"__metadata__":{"format":"pt"}`, ...header];
  const json = new TextEncoder().encode(`{${all.join()}}`);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  const bytes = named.map(([, e]) => e.bytes);
  return Buffer.concat([length, json, ...bytes]);
}

export const f32 = ({
  dims,
  data,
}: Pick<FloatTensor, "dims" | "data">): Entry => ({
  dtype: "F32",
  shape: dims,
  bytes: new Uint8Array(data.slice().buffer),
});
