import { z } from "zod";
import type { Random } from "#core";
import type { Model } from "#model";
import { emptyGraph, type FloatTensor, floats, GraphBuilder, int } from "#onnx";
import { defineExtraction, extractionParams } from "./extraction.ts";
import { logOf, solve } from "./linear-equations.ts";

/**
 * Equation solving (Tramèr et al. 2016, arXiv:1609.02943): of a linear victim
 * log p_k - log p_0 is linear in the input, so that d + 1 random inputs determine it.
 * With fewer the smallest solution is taken, with more the least squares; of other
 * victims that is the nearest linear model.
 */
export const equationSolving = defineExtraction({
  id: "equation-solving",
  title: "Equation solving",
  summary:
    "Solves for the weights of a linear model from its probabilities of random inputs.",
  caution:
    "Exact of linear models alone; of others it is the nearest linear model on random inputs, and says nothing of how well they can be copied (knockoff does). Rounded probabilities spoil it.",
  reference: "Tramèr et al. 2016, arXiv:1609.02943",
  threat: "asks the candidate for the probabilities of random inputs",
  trains: false,
  needs: ["one class", "numbers", "free inputs"],
  params: z.strictObject({ ...extractionParams }),
  async steal({ ask, count, start, random }) {
    const { shape } = start.contract;
    const x = randomInputs(count, start, random.fork("inputs"));
    const said = await ask(x);
    const width = shape.reduce((p, d) => p * d, 1);
    const rows = Array.from({ length: count }, (_, i) => [
      ...x.data.subarray(i * width, (i + 1) * width),
      1,
    ]);
    const classes = start.classes.length;
    const log = (i: number, k: number) => logOf(said.data[i * classes + k]!);
    // Class 0 is what the others are compared with.
    const found = solve(
      rows,
      rows.map((_, i) => start.classes.map((_, k) => log(i, k) - log(i, 0))),
    );
    return linear(start, found, width);
  },
});

/** Uniform in the bounds. */
function randomInputs(
  count: number,
  { contract: { shape, bounds } }: Model,
  random: Random,
): FloatTensor {
  const dims = [count, ...shape];
  const [low, high] = bounds;
  return floats(
    dims,
    Float32Array.from(
      { length: dims.reduce((p, d) => p * d, 1) },
      () => low + (high - low) * random.uniform(),
    ),
  );
}

/** A linear model. @param found [width + 1][classes], the last row the bias */
function linear(
  { contract, classes }: Model,
  found: readonly (readonly number[])[],
  width: number,
): Model {
  const b = new GraphBuilder(emptyGraph("stolen"));
  const dims = ["batch", ...contract.shape];
  const input = b.input({ name: "input", type: "float32", dims });
  const flat =
    contract.shape.length === 1
      ? input
      : b.op("Flatten", [input], { axis: int(1) });
  const weight = b.constant(
    floats([width, classes.length], found.slice(0, width).flat()),
    "head.weight",
  );
  const bias = b.constant(
    floats([classes.length], found[width] as number[]),
    "head.bias",
  );
  const logits = b.op("Gemm", [flat, weight, bias], {}, "logits");
  return {
    graph: b.build([logits]),
    input,
    logits,
    contract,
    classes,
    straightThrough: [],
  };
}
