import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { gradient } from "#autodiff";
import { onnxruntime } from "#engine";
import {
  emptyGraph,
  type FloatTensor,
  floats,
  GraphBuilder,
  int,
  ints,
} from "#onnx";

interface Array_ {
  dims: number[];
  data: number[];
}

/** Gradients by PyTorch 1.13 of a seeded input. */
interface Case {
  kind: "conv" | "avgpool";
  // biome-ignore lint/suspicious/noExplicitAny: each kind has parameters of its own.
  p: Record<string, any>;
  x: Array_;
  w?: Array_;
  dy: Array_;
  dx: Array_;
  dw?: Array_;
}

const cases = JSON.parse(
  readFileSync(new URL("../fixtures/torch-vjp.json", import.meta.url), "utf8"),
) as Case[];

test.each(
  cases.map((c, i) => [`${c.kind} ${i} ${JSON.stringify(c.p)}`, c] as const),
)("%s", async (_name, { kind, p, x, w, dy, dx, dw }) => {
  const b = new GraphBuilder(emptyGraph("torch"));
  b.input({ name: "x", type: "float32", dims: x.dims });
  if (w) b.input({ name: "w", type: "float32", dims: w.dims });
  b.input({ name: "dy", type: "float32", dims: dy.dims });
  const y =
    kind === "conv"
      ? b.op("Conv", ["x", "w"], {
          kernel_shape: ints(p.k),
          strides: ints(p.s),
          dilations: ints(p.d),
          pads: ints(p.pads),
          group: int(p.g),
        })
      : b.op("AveragePool", ["x"], {
          kernel_shape: ints([p.k, p.k]),
          strides: ints([p.s, p.s]),
          pads: ints([p.p, p.p, p.p, p.p]),
          ceil_mode: int(p.ceil),
          count_include_pad: int(p.cip),
        });
  const wrt = w ? ["x", "w"] : ["x"];
  const result = gradient(b.build([y]), { of: y, wrt, seed: "dy" });
  const session = await onnxruntime.load(result.graph);
  const of = (a: Array_) => floats(a.dims, a.data);
  const out = await session.run({
    x: of(x),
    ...(w ? { w: of(w) } : {}),
    dy: of(dy),
  });
  const compare = (name: string, wanted: Array_) => {
    const seen = out[result.gradients.get(name) as string] as FloatTensor;
    expect(seen.dims).toEqual(wanted.dims);
    const scale = Math.max(...wanted.data.map(Math.abs));
    for (const [i, v] of wanted.data.entries())
      expect(Math.abs(seen.data[i]! - v) / scale).toBeLessThan(1e-5);
  };
  compare("x", dx);
  if (dw) compare("w", dw);
});
