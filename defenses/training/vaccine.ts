import { z } from "zod";
import { graft, prune } from "#onnx";
import { defineTrainingDefense, type LossGraph, mean } from "#tuning";
import { streamsOf, withOffsets } from "./streams.ts";

/**
 * Vaccine (Huang, Hu and Liu 2024, arXiv:2402.01109): a language model is aligned where
 * its hidden embeddings have moved against it: a first pass takes the gradient of the
 * loss by the embeddings that each block finds, and the loss that is trained on is that
 * with rho times this gradient, over its length in all blocks together, added to them.
 * What is added is held fixed. rho is that of the authors' code.
 */
export const vaccine = defineTrainingDefense({
  id: "vaccine",
  title: "Vaccine",
  summary:
    "Aligns a language model at hidden embeddings that were moved to raise the loss, so that later drift of embeddings undoes less.",
  caution:
    "It needs a decoder whose blocks add to a residual stream. The right rho depends on the size of the embeddings.",
  reference: "Huang, Hu and Liu 2024, arXiv:2402.01109",
  needs: ["dialogues"],
  params: z.strictObject({
    rho: z
      .number()
      .positive()
      .default(2)
      .describe("length of what is added to the embeddings"),
  }),
  open: ({ rho }) => ({
    loss(g) {
      // What leaves the last block is not what a block finds.
      const places = streamsOf(g).slice(0, -1);
      const still = stillAt(g, places);
      const plain = mean(g.b, g.criterion(shifted(g, places, still)));
      g.record("loss without perturbation", plain);
      const slope = g.gradient(plain, still);
      const { b } = g;
      const length = b.sqrt(b.add(b.reduceSum(b.mul(slope, slope)), 1e-24));
      const moved = g.withGradientOf(b.div(b.mul(slope, rho), length));
      return mean(b, g.criterion(shifted(g, places, moved)));
    },
  }),
});

/** Zeros for each place, [places, N, length, width]. */
function stillAt(g: LossGraph, places: readonly string[]): string {
  const { b } = g;
  const shape = b.shapeOf(g.rows(places[0] as string));
  const count = b.ints([places.length]);
  return b.expand(b.scalar(0), b.concat([count, shape], 0));
}

/** The logits where each place has moved by its part of a value. */
function shifted(g: LossGraph, places: readonly string[], by: string): string {
  const { b, model } = g;
  const { graph, offsets } = withOffsets(model.graph, places);
  const outputs = [{ name: model.logits, type: "float32" as const }];
  const parts = offsets.map((offset, l): [string, string] => [
    offset,
    b.squeeze(b.slice(by, [l], [l + 1], [0]), [0]),
  ]);
  return graft(
    b,
    prune({ ...graph, outputs }),
    new Map([[model.input, g.rows(model.input)], ...parts]),
  )(model.logits);
}
