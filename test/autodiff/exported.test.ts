import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gradient } from "#autodiff";
import { packagePath } from "#core";
import { onnxruntime } from "#engine";
import { compile, modelOf } from "#model";
import {
  type FloatTensor,
  floats,
  type Graph,
  GraphBuilder,
  normalise,
  prune,
  readModel,
  type Tensor,
  toFloat32,
} from "#onnx";
import { embeddingOf } from "../../src/model/integers.ts";

interface Encoded {
  readonly type: "float32" | "int64" | "int32" | "uint8";
  readonly dims: number[];
  readonly data: string;
}

/** What a framework recorded beside the model that it exported (see test/fixtures/exported/README.md). */
interface Fixture {
  readonly about: string;
  readonly inputs: Record<string, Encoded>;
  readonly output: Encoded;
  readonly cotangent: Encoded;
  /** By value, "embedding" for the embedded tokens. */
  readonly gradients: Record<string, Encoded>;
  /** By the name of the constant. */
  readonly weights: Record<string, Encoded>;
  /** Of the output, where eight bits round it. */
  readonly tolerance?: number;
}

/** Of every gradient, and of every output that is not rounded to eight bits. */
const TOLERANCE = 1e-4;

const folder = packagePath("test/fixtures/exported");
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length));

const arrays = {
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
};

function decode({ type, dims, data }: Encoded): Tensor {
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  return { type, dims, data: new arrays[type](bytes.buffer) } as Tensor;
}

/** The graph with the sizes of the recorded inputs instead of open ones, except for the batch. */
function bound(graph: Graph, inputs: Record<string, Tensor>): Graph {
  return {
    ...graph,
    inputs: graph.inputs.map((i) => ({
      ...i,
      dims: (inputs[i.name] as Tensor).dims.map((d, axis) =>
        axis === 0 && typeof i.dims?.[0] !== "number" ? "batch" : d,
      ),
    })),
  };
}

/** The largest difference as a share of the largest number. */
function relative(seen: Tensor | undefined, wanted: Tensor): number {
  expect(seen?.dims).toEqual(wanted.dims);
  const [a, b] = [seen?.data as Float32Array, wanted.data as Float32Array];
  const largest = b.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-12);
  return (
    b.reduce(
      (most, v, i) => Math.max(most, Math.abs(v - (a[i] as number))),
      0,
    ) / largest
  );
}

describe.each(names)("%s", (name) => {
  const fixture = JSON.parse(
    readFileSync(`${folder}/${name}.json`, "utf8"),
  ) as Fixture;
  const inputs = Object.fromEntries(
    Object.entries(fixture.inputs).map(([k, v]) => [k, decode(v)]),
  );

  test("its output and its gradients are the framework's", async () => {
    const source = toFloat32(readModel(`${folder}/${name}.onnx`));
    const graph = normalise(bound(normalise(source), inputs));
    // scikit-learn models hide their scores in a ZipMap.
    const output =
      graph.outputs.find((o) => o.type === "float32")?.name ??
      graph.nodes.find((n) => n.op === "ZipMap")?.inputs[0] ??
      "";
    const embedding = () => embeddingOf(graph, Object.keys(inputs)[0] ?? "");
    const places = Object.keys(fixture.gradients).map((place) => [
      place,
      place === "embedding" ? embedding() : place,
    ]) as [string, string][];
    const b = new GraphBuilder(
      prune({
        ...graph,
        outputs: [{ name: output, type: "float32" }],
      }),
    );
    const cotangent = decode(fixture.cotangent);
    b.input({ name: "cotangent", type: "float32", dims: cotangent.dims });
    const weights = Object.keys(fixture.weights);
    const result = gradient(b.build([output]), {
      of: output,
      wrt: [...places.map(([, value]) => value), ...weights],
      seed: "cotangent",
    });
    const session = await onnxruntime.load(result.graph);
    const outputs = await session.run({ ...inputs, cotangent });
    await session.release();
    expect(
      relative(outputs[output], decode(fixture.output)),
      "output",
    ).toBeLessThan(fixture.tolerance ?? TOLERANCE);
    for (const [place, value] of places) {
      const seen = outputs[result.gradients.get(value) as string];
      const wanted = decode(fixture.gradients[place] as Encoded);
      expect(relative(seen, wanted), `gradient of ${place}`).toBeLessThan(
        TOLERANCE,
      );
    }
    for (const weight of weights) {
      const seen = outputs[result.gradients.get(weight) as string];
      const wanted = decode(fixture.weights[weight] as Encoded);
      expect(
        relative(seen, wanted),
        `gradient of weight ${weight}`,
      ).toBeLessThan(TOLERANCE);
    }
  });

  test("it is a model that can be attacked", async () => {
    const [first = ""] = Object.keys(inputs);
    const x = inputs[first] as Tensor;
    const sample = x.dims.slice(1);
    // The contract is channels first, and images of bytes are images of [0, 1].
    const bytes = x.type === "uint8";
    const model = modelOf(readModel(`${folder}/${name}.onnx`), name, {
      input: {
        name: first,
        shape: bytes ? [3, 8, 8] : sample,
        layout: bytes ? "NHWC" : "NCHW",
        padding: name.startsWith("roberta") ? 1 : 0,
      },
    });
    const compiled = await compile(model, onnxruntime);
    const given = bytes
      ? floats([2, 3, 8, 8], new Float32Array(384).fill(0.3))
      : (x as FloatTensor);
    const { gradient, logits } = await compiled.lossGradient(
      given,
      Array.from({ length: given.dims[0] ?? 1 }, (_, i) => i % 2),
    );
    await compiled.release();
    expect(logits.dims).toEqual([given.dims[0], model.classes.length]);
    expect(gradient.data.every(Number.isFinite)).toBe(true);
    expect(gradient.data.some((g) => g !== 0)).toBe(true);
  });
});
