import { Random } from "#core";
import { type Graph, GraphBuilder, int } from "#onnx";
import type { OpenPart } from "#tuning";
import { defense, type How, trained } from "../digits.ts";
import { net, type Plan } from "./nets.ts";
import { forest, tree } from "./trees.ts";
import { BUDGETS, type World } from "./world.ts";

/** A model with nothing to hide. */
export interface Honest {
  readonly id: string;
  /** Whether there is a gradient to follow. */
  readonly smooth: boolean;
  make(world: World): Promise<Graph>;
}

/** The plain network, which every trap hides. */
export const PLAIN: Plan = { convolutions: [8, 16], hidden: [32] };

/** A network of a plan, trained. */
export async function learnedNet(
  { train, validation, seed }: World,
  plan: Plan,
  parts: readonly OpenPart[] = [],
) {
  const random = new Random(seed).fork("weights");
  const blank = net(train.x.dims.slice(1), train.classes, plan, random);
  const settings: How["settings"] = {
    epochs: 30,
    learningRate: 3e-3,
    batchSize: 32,
  };
  const how = { settings, parts };
  return (await trained(blank, { train, validation }, seed, how)).model;
}

const network = (
  id: string,
  plan: Plan,
  parts: readonly OpenPart[] = [],
): Honest => ({
  id,
  smooth: true,
  make: async (world) => (await learnedNet(world, plan, parts)).graph,
});

/** Models whose numbers have to be believed where the attack was right. */
export const honest: readonly Honest[] = [
  {
    id: "tree",
    smooth: false,
    make: async ({ train, seed }) => tree(train, new Random(seed).fork("tree")),
  },
  {
    id: "forest",
    smooth: false,
    make: async ({ train, seed }) =>
      forest(train, new Random(seed).fork("forest")),
  },
  network("logistic", {}),
  network("small", PLAIN),
  network("perceptron", { hidden: [16] }),
  network("large", { convolutions: [16, 32], hidden: [256, 128] }),
  network("tanh", { ...PLAIN, activation: "Tanh" }),
  network("silu", { ...PLAIN, activation: "Silu" }),
  network("hardened", PLAIN, [
    defense({ id: "pgd-at", eps: BUDGETS.small, steps: 5 }),
  ]),
  {
    id: "shares",
    smooth: true,
    async make(world) {
      const { graph, logits } = await learnedNet(world, PLAIN);
      const b = new GraphBuilder(graph);
      return b.build([b.op("Softmax", [logits], { axis: int(1) })]);
    },
  },
];
