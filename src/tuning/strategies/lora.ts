import { z } from "zod";
import { type Random, UsageError } from "#core";
import { type LayerGroup, type Model, matches } from "#model";
import { type FloatTensor, GraphBuilder, sizeOf, type Tensor } from "#onnx";
import { type Adapted, addAdapted, factorsOf, isMatrix } from "../low-rank.ts";
import { defineStrategy, evenly, type Form } from "./strategy.ts";

/**
 * Low-rank adaptation (LoRA, Hu et al. 2022, arXiv:2106.09685): the matrix of
 * every linear layer and convolution stays as it is, and alpha / rank times a
 * product of two thin matrices is added, which alone are trained, beside the
 * new head. One begins random, the other at zero, so training begins at the
 * base. The product is merged into the weights at the end. Defaults are those of
 * the PEFT library; the paper adapts the attention's matrices only, which
 * `layers` can name.
 */
export const lora = defineStrategy({
  id: "lora",
  title: "Low-rank adaptation (LoRA)",
  summary:
    "Adds a low-rank product to every matrix, trains only that and the new head, and merges it into the weights at the end.",
  caution:
    "A low rank may be too little for a task far from the base's. The paper adapts attention's matrices only, so its numbers are not those of the default, which adapts all; name `layers`.",
  reference: "Hu et al. 2022, arXiv:2106.09685",
  params: z.strictObject({
    rank: z
      .int()
      .positive()
      .default(8)
      .describe("rank of the product that is added"),
    alpha: z
      .number()
      .positive()
      .default(8)
      .describe("scale of the product, over the rank"),
    layers: z
      .array(z.string())
      .min(1)
      .optional()
      .describe(
        "layer groups that are adapted; all when left out. `*` matches anything",
      ),
  }),
  form: lowRank,
  stages: (groups, epochs) => [{ epochs, rates: evenly(groups) }],
});

interface Params {
  readonly rank: number;
  readonly alpha: number;
  readonly layers?: readonly string[] | undefined;
}

function lowRank(
  model: Model,
  groups: readonly LayerGroup[],
  { rank, alpha, layers }: Params,
  random: Random,
): Form {
  const { graph } = model;
  const chosen = groups
    .slice(0, -1)
    .filter(({ name }) => !layers || layers.some((p) => matches(p, name)));
  const b = new GraphBuilder({ ...graph, nodes: [] }, "lora/");
  const factors: Adapted[] = [];
  const adapted = chosen.flatMap((group): LayerGroup[] => {
    const own = group.parameters.filter((name) => isMatrix(model, name));
    const added = own.map((weight): Adapted => {
      const begin = factorsOf(model, weight, rank, (size, fanIn) =>
        uniform(size, 1 / Math.sqrt(fanIn), random),
      );
      const left = b.constant(begin.left, `${weight}.lora_left`);
      const right = b.constant(begin.right, `${weight}.lora_right`);
      return { weight, left, right, scale: alpha / rank };
    });
    factors.push(...added);
    const parameters = added.flatMap((f) => [f.left, f.right]);
    const size = parameters.reduce(
      (sum, p) => sum + sizeOf((b.constantOf(p) as Tensor).dims),
      0,
    );
    return parameters.length > 0 ? [{ ...group, parameters, size }] : [];
  });
  if (adapted.length === 0) {
    throw new UsageError(
      "STRATEGY_GROUPS",
      `strategy "lora" finds no matrix to adapt before the head${layers ? ` in ${layers.join(", ")}` : ""}; the model has ${groups.map((g) => g.name).join(", ")}`,
      "Name layer groups with linear layers or convolutions; `assay inspect` lists them.",
    );
  }
  addAdapted(b, graph.nodes, factors);
  return {
    model: { ...model, graph: b.build() },
    groups: [...adapted, ...groups.slice(-1)],
    restore: (tuned) => merged(model, tuned, factors),
  };
}

/**
 * The original graph with the factors' products in its weights, and what
 * else was trained.
 */
function merged(
  original: Model,
  tuned: Model,
  factors: readonly Adapted[],
): Model {
  const constants = new Map<string, Tensor>();
  const value = (name: string) =>
    tuned.graph.constants.get(name) as FloatTensor;
  for (const [name, before] of original.graph.constants)
    constants.set(name, tuned.graph.constants.get(name) ?? before);
  for (const { weight, left, right, scale } of factors) {
    const [a, b] = [value(left), value(right)];
    const [rows = 0, thin = 0] = a.dims;
    const columns = b.dims[1] ?? 0;
    const data = Float32Array.from(value(weight).data);
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        let sum = 0;
        for (let k = 0; k < thin; k++)
          sum += a.data[r * thin + k]! * b.data[k * columns + c]!;
        data[r * columns + c] = data[r * columns + c]! + scale * sum;
      }
    constants.set(weight, { ...value(weight), data });
  }
  return { ...tuned, graph: { ...original.graph, constants } };
}

const uniform = (size: number, limit: number, random: Random) =>
  Float32Array.from({ length: size }, () => (2 * random.uniform() - 1) * limit);
