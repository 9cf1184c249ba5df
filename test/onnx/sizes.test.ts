import { expect, test } from "vitest";
import { onnxruntime } from "#engine";
import {
  BATCH,
  type Dim,
  type Graph,
  normalise,
  readModel,
  toFloat32,
  withSizes,
} from "#onnx";
import { readExported } from "../exported.ts";

/** A size as a number, for a batch of so many; undefined when it has other names. */
function sizeOf(dim: Dim, batch: number): number | undefined {
  if (typeof dim !== "string") return dim ?? undefined;
  const parts = dim.split("*").map((p) => (p === BATCH ? batch : Number(p)));
  const size = parts.reduce((product, p) => product * p, 1);
  return Number.isNaN(size) ? undefined : size;
}

test.each([
  "bert.torchscript",
  "densenet.dynamo",
  "efficientnet.torchscript",
  "lstm.dynamo",
  "swin.torchscript",
  "unet.dynamo",
])("%s: every size that is told is the size that comes out", async (name) => {
  const { file, inputs } = readExported(name);
  const plain = normalise(toFloat32(readModel(file)));
  const batch = Object.values(inputs)[0]?.dims[0] ?? 1;
  const told = withSizes({
    ...plain,
    inputs: plain.inputs.map((i) => ({
      ...i,
      dims: [BATCH, ...(inputs[i.name]?.dims.slice(1) ?? [])],
    })),
    valueInfo: [],
  });
  expect(told.valueInfo.length).toBeGreaterThan(0.5 * plain.nodes.length);
  const all: Graph = {
    ...told,
    outputs: told.valueInfo.map(({ name, type }) => ({ name, type })),
    valueInfo: [],
  };
  const session = await onnxruntime.load(all);
  const seen = await session.run(inputs);
  await session.release();
  for (const { name, dims = [], type } of told.valueInfo) {
    const sizes = dims.map((d, i) => sizeOf(d, batch) ?? seen[name]?.dims[i]);
    expect([name, type, sizes]).toEqual([
      name,
      seen[name]?.type,
      seen[name]?.dims,
    ]);
  }
});
