import { Random } from "#core";
import type { Fitted, Sanitizer } from "#defenses";
import { onnxruntime } from "#engine";
import type { Model, NoiseInput } from "#model";
import { emptyGraph, type FloatTensor, GraphBuilder } from "#onnx";
import { drawNoise } from "../src/model/noise.ts";

/**
 * What the model behind a sanitizer would see of images [N, C, H, W]; [N, views, C, H,
 * W] where it makes several.
 */
export async function sanitized(
  unit: Sanitizer,
  images: FloatTensor,
  params: Record<string, unknown> = {},
  { fitted = new Map(), seed = 0 }: { fitted?: Fitted; seed?: number } = {},
): Promise<FloatTensor> {
  const b = new GraphBuilder(emptyGraph("sanitizer"));
  const [n = 0, ...shape] = images.dims;
  const noise: NoiseInput[] = [];
  b.input({ name: "x", type: "float32", dims: ["batch", ...shape] });
  const out = unit.build(
    b,
    "x",
    unit.params.parse(params),
    { contract: { shape, bounds: [0, 1] } } as unknown as Model,
    {
      fitted: (name) => fitted.get(name) as FloatTensor,
      draw(distribution, dims) {
        const name = `noise${noise.length}`;
        noise.push({ name, distribution, dims });
        return b.input({ name, type: "float32", dims: ["batch", ...dims] });
      },
    },
  );
  const session = await onnxruntime.load(b.build([out]));
  const streams = Array.from({ length: n }, (_, i) => new Random(seed).fork(i));
  const result = await session.run({ x: images, ...drawNoise(noise, streams) });
  await session.release();
  return result[out] as FloatTensor;
}
