import { describe, expect, test } from "vitest";
import { type Engine, onnxruntime, openEngine } from "#engine";
import { emptyGraph, floats, type Graph, GraphBuilder } from "#onnx";
import { checkedAgainst } from "../../src/engine/checked.ts";

function doubling(): Graph {
  const b = new GraphBuilder(emptyGraph("doubling"));
  b.input({ name: "x", type: "float32", dims: [2] });
  return b.build([b.op("Mul", ["x", b.scalar(2)], {}, "y")]);
}

const x = floats([2], [1, -3]);

/** The CPU's engine with something wrong. */
const wrong = (change: Partial<Engine>): Engine => ({
  ...onnxruntime,
  title: "wrong",
  ...change,
});

const offBy = (factor: number) =>
  wrong({
    async load(graph) {
      const session = await onnxruntime.load(graph);
      return {
        ...session,
        async run(feeds) {
          const { y } = await session.run(feeds);
          const moved = Float32Array.from(
            y?.data as Float32Array,
            (v) => v * factor,
          );
          return { y: floats([2], moved) };
        },
      };
    },
  });

describe("a device is compared with the CPU at the first run of each graph", () => {
  test.each([
    [
      "cannot load",
      wrong({
        async load() {
          throw new Error("no such kernel");
        },
      }),
      /no such kernel/,
    ],
    [
      "fails as it runs",
      wrong({
        async load(graph) {
          const session = await onnxruntime.load(graph);
          return {
            ...session,
            async run() {
              throw new Error("device lost");
            },
          };
        },
      }),
      /device lost/,
    ],
    ["computes something else", offBy(1.05), /"y" differs .* by 5\.0 %/],
    ["computes no numbers", offBy(Number.NaN), /"y" differs/],
  ])("one that %s falls back, and says so", async (_what, engine, reason) => {
    const said: string[] = [];
    const checked = checkedAgainst(onnxruntime, engine, (graph, why) =>
      said.push(`${graph.name}: ${why}`),
    );
    const session = await checked.load(doubling());
    for (let run = 0; run < 2; run++) {
      const { y } = await session.run({ x });
      expect(Array.from(y?.data as Float32Array)).toEqual([2, -6]);
    }
    await session.release();
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^doubling: /);
    expect(said[0]).toMatch(reason);
  });

  test("one that rounds a little differently is used", async () => {
    const checked = checkedAgainst(onnxruntime, offBy(1.001), () => {
      throw new Error("nothing to say");
    });
    const session = await checked.load(doubling());
    await session.run({ x });
    const { y } = await session.run({ x });
    expect(y?.data[0]).toBeCloseTo(2.002, 5);
    await session.release();
  });
});

test("a device that is not there is refused loudly, and the CPU used", async () => {
  const said: string[] = [];
  const device = process.platform === "win32" ? "coreml" : "directml";
  const engine = await openEngine({ device, onWarning: (m) => said.push(m) });
  expect(engine.title).toBe(onnxruntime.title);
  expect(said).toEqual([
    `device ${device} cannot be used (onnxruntime does not support it on ${process.platform} ${process.arch}); using the CPU.`,
  ]);
});

test("the CPU needs no check", async () => {
  expect(await openEngine()).toBe(onnxruntime);
});
