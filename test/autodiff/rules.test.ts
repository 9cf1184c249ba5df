import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rules } from "#autodiff";
import { floats, int, ints } from "#onnx";
import { runs } from "../runs.ts";
import { checkGradient } from "./check.ts";
import { apply, double, positive, seeds, subjects } from "./subjects/index.ts";
import { expandedSpatial } from "./subjects/spatial.ts";

describe("each rule against finite differences", () => {
  test("every rule has subjects", () => {
    expect(Object.keys(rules).filter((op) => !subjects[op])).toEqual([]);
  });

  test.each(Object.entries(subjects))("%s", async (_op, arbitrary) => {
    await fc.assert(
      fc.asyncProperty(arbitrary, seeds, (subject, seed) =>
        checkGradient({ seed, ...subject }),
      ),
      runs(_op === "Conv" ? 60 : 15),
    );
  });
});

describe("through operators that are expanded", () => {
  test.each(Object.entries(expandedSpatial))("%s", (_op, arbitrary) =>
    fc.assert(
      fc.asyncProperty(arbitrary, seeds, (subject, seed) =>
        checkGradient({ seed, ...subject }),
      ),
      runs(),
    ),
  );
});

describe("sizes that are only known as the model runs", () => {
  const open = {
    declared: [
      ["batch", 3],
      ["other", 1],
    ],
  };
  test("un-broadcasting with named, equal or unknown sizes", async () => {
    await checkGradient({
      shapes: [
        [4, 3],
        [4, 1],
      ],
      ...open,
      ...double,
      build: apply("Mul"),
    });
    await checkGradient({
      shapes: [
        [4, 3],
        [1, 1],
      ],
      ...open,
      ...double,
      build: apply("Mul"),
    });
    await checkGradient({
      shapes: [
        [1, 3],
        [5, 1],
      ],
      declared: [
        [null, null],
        [null, null],
      ],
      ...double,
      build: apply("Mul"),
    });
    await checkGradient({
      shapes: [
        [2, 4, 3],
        [4, 1],
      ],
      declared: [
        [null, "a", 3],
        ["b", null],
      ],
      ...double,
      build: apply("Div"),
      draw: positive,
    });
    await checkGradient({
      shapes: [[5], [5]],
      declared: [["n"], ["n"]],
      ...double,
      build: apply("Add"),
    });
  });

  test("the batch may be open in every layer of a network", async () => {
    await checkGradient({
      shapes: [[3, 2, 6, 6]],
      declared: [["batch", 2, 6, 6]],
      step: 1e-2,
      build: (b, [x = ""]) => {
        const w = b.constant(
          floats(
            [4, 2, 3, 3],
            Array.from({ length: 72 }, (_, i) => Math.sin(i)),
          ),
        );
        const conv = b.op("Tanh", [
          b.op("Conv", [x, w], { pads: ints([1, 1, 1, 1]) }),
        ]);
        const pooled = b.op("AveragePool", [conv], {
          kernel_shape: ints([2, 2]),
          strides: ints([2, 2]),
        });
        const mean = b.op("ReduceMean", [pooled, b.ints([0])], {
          keepdims: int(1),
        });
        return b.op("Flatten", [
          b.op("GlobalAveragePool", [b.sub(pooled, mean)]),
        ]);
      },
    });
  });
});
