import { z } from "zod";
import { dataset } from "#data";
import { logitsOf } from "#model";
import { type FloatTensor, floats } from "#onnx";
import { architectureOf, settingsSchema, tuneEvenly } from "#tuning";
import { logProbabilities } from "./confidence.ts";
import {
  defineMembership,
  type MembershipInput,
  shadowCount,
} from "./membership.ts";

/**
 * Shadow models teach a network for each class what answers to members look like
 * (Shokri et al. 2017, arXiv:1610.05820). The paper's attack network has one hidden
 * layer of 64, ours (`mlp`) two. Its shadow models learn from disjoint data of the
 * attacker's, ours from halves of the samples, as those of LiRA.
 */
export const shadowModels = defineMembership({
  id: "shadow-models",
  title: "Shadow models",
  summary:
    "Trains models like the candidate, and on their answers a network for each class that tells members from others.",
  caution:
    "It learns from few answers of each class; where classes are small it fits noise. Shadow models learn from another number of samples than the candidate did, which costs it some power.",
  reference: "Shokri et al. 2017, arXiv:1610.05820",
  threat:
    "asks the candidate for probabilities, and trains models like it on data like its own",
  needs: ["tuning", "one class"],
  params: z.strictObject({
    shadows: shadowCount(16),
    epochs: z
      .int()
      .positive()
      .default(30)
      .describe("epochs of the network that tells members"),
  }),
  async score(input) {
    const { samples } = input;
    const scores = new Float64Array(samples.y.length);
    for (const label of [...new Set(samples.y)].sort((a, b) => a - b)) {
      const places = Array.from(samples.y.keys()).filter(
        (i) => samples.y[i] === label,
      );
      const said = await judge(input, label, places);
      for (const [row, place] of places.entries()) scores[place] = said[row]!;
    }
    return scores;
  },
});

const probabilities = (logits: FloatTensor, i: number) =>
  logProbabilities({ logits }, i).map(Math.exp);

/**
 * How much more the network of a class takes some samples for members than for others.
 */
async function judge(
  {
    samples,
    shadows,
    params,
    engine,
    random,
    signal,
  }: MembershipInput<{ epochs: number }>,
  label: number,
  places: readonly number[],
): Promise<number[]> {
  const rows = shadows.flatMap(({ logits, learned }) =>
    places.map((i) => ({ p: probabilities(logits, i), member: learned[i] })),
  );
  // Batches are drawn from an order that is the same whatever that of the samples.
  rows.sort((a, b) => {
    const at = a.p.findIndex((v, k) => v !== b.p[k]);
    return at < 0 ? Number(a.member) - Number(b.member) : a.p[at]! - b.p[at]!;
  });
  const width = samples.logits.dims[1] ?? 0;
  const matrix = (all: readonly Float64Array[]) =>
    floats([all.length, width], Float32Array.from(all.flatMap((p) => [...p])));
  const train = dataset(
    `answers for class ${label}`,
    matrix(rows.map((r) => r.p)),
    Int32Array.from(rows, (r) => Number(r.member)),
    ["other", "member"],
  );
  const own = random.fork(`class ${label}`);
  const model = architectureOf("mlp").build(
    [width],
    train.classes,
    own.fork("weights"),
  );
  const { model: network } = await tuneEvenly({
    model,
    train,
    validation: train,
    epochs: params.epochs,
    settings: settingsSchema.parse({ batchSize: 64 }),
    engine,
    random: own,
    signal,
  });
  const { data } = await logitsOf(
    network,
    matrix(places.map((i) => probabilities(samples.logits, i))),
    engine,
  );
  return places.map((_, row) => data[2 * row + 1]! - data[2 * row]!);
}
