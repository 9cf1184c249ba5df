import { readFileSync } from "node:fs";
import { packagePath } from "#core";
import { type Model, modelOf } from "#model";
import { floats, readModel, type Tensor } from "#onnx";

interface Encoded {
  readonly type: "float32" | "int64" | "int32" | "uint8";
  readonly dims: number[];
  readonly data: string;
}

const arrays = {
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
};

const folder = packagePath("test/fixtures/exported");

export const pathOf = (name: string) => `${folder}/${name}.onnx`;

/** The input that is recorded beside an exported model. */
export function recorded(name: string): { input: string; x: Tensor } {
  const { inputs } = JSON.parse(
    readFileSync(`${folder}/${name}.json`, "utf8"),
  ) as { inputs: Record<string, Encoded> };
  const [[input, { type, dims, data }]] = Object.entries(inputs) as [
    [string, Encoded],
  ];
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  const x = { type, dims, data: new arrays[type](bytes.buffer) } as Tensor;
  return { input, x };
}

/**
 * An exported model, and the input that is recorded for it in the form that the
 * model's contract takes.
 */
export function exported(name: string): { model: Model; x: Tensor } {
  const { input, x } = recorded(name);
  const isBytes = x.type === "uint8";
  const [n = 0, height = 0, width = 0, channels = 0] = x.dims;
  const model = modelOf(readModel(pathOf(name)), name, {
    input: {
      name: input,
      shape: isBytes ? [channels, height, width] : x.dims.slice(1),
      layout: isBytes ? "NHWC" : "NCHW",
      padding: name.startsWith("roberta") ? 1 : 0,
    },
  });
  if (!isBytes) return { model, x };
  const grey = Float32Array.from(
    { length: x.data.length },
    (_, i) => (i % 37) / 37,
  );
  return { model, x: floats([n, channels, height, width], grey) };
}
