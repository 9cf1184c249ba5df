import { expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, layerGroups } from "#model";
import { floats } from "#onnx";
import { architectures } from "#tuning";

const classes = Array.from({ length: 10 }, (_, i) => String(i));

const bytes = (a: Float32Array) =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength);

/** Those that see images. */
const seeing = architectures.filter((a) => a.id.endsWith("cnn"));

test.each(seeing.map((a) => [a.id, a] as const))(
  "%s learns from images of other sizes and channels, from the same seed the same way",
  async (_id, architecture) => {
    for (const shape of [
      [1, 28, 28],
      [3, 9, 6],
    ]) {
      const model = architecture.build(shape, classes, new Random(1));
      const again = architecture.build(shape, classes, new Random(1));
      for (const [name, { data }] of model.graph.constants) {
        const same = again.graph.constants.get(name)?.data as Float32Array;
        expect(Buffer.compare(bytes(same), bytes(data as Float32Array))).toBe(
          0,
        );
      }
      const size = shape.reduce((p, d) => p * d, 1);
      const x = floats([2, ...shape], new Float32Array(2 * size).fill(0.5));
      const compiled = await compile(model, onnxruntime);
      const { logits, gradient } = await compiled.lossGradient(x, [0, 1]);
      await compiled.release();
      expect(logits.dims).toEqual([2, 10]);
      expect(gradient.data.some((g) => g !== 0)).toBe(true);
    }
    expect(() => architecture.build([1, 3, 3], classes, new Random(1))).toThrow(
      /at least 4x4/,
    );
  },
);

test("the network of the MNIST challenge has the parameters of its authors", () => {
  const madry = architectures.find((a) => a.id === "madry-cnn");
  const { graph } = madry?.build([1, 28, 28], classes, new Random(1)) ?? {};
  const count = layerGroups(graph as NonNullable<typeof graph>).reduce(
    (sum, g) => sum + g.size,
    0,
  );
  // 5*5*32+32 + 5*5*32*64+64 + 3136*1024+1024 + 1024*10+10
  expect(count).toBe(3_274_634);
});
