import { Random } from "#core";
import { type Dataset, dataset } from "#data";
import { onnxruntime } from "#engine";
import { compile } from "#model";
import type { OpenPart } from "#tuning";
import { blank, defense, digits, some, trained } from "./digits.ts";
import type { Truth } from "./truth.ts";

/**
 * DP-SGD (Abadi et al. 2016, arXiv:1607.00133) lowers the advantage of telling members
 * of the training data from others by their loss (Yeom et al. 2018, arXiv:1709.01604).
 * Labels say nothing, so that only remembering helps.
 */
export const membership = (epochs: number, samples: number): Truth => ({
  id: "membership",
  async measure(seed) {
    const parts = await digits(seed);
    const random = new Random(seed).fork("labels");
    const relabelled = (data: Dataset): Dataset => {
      const { name, x, y, classes } = some(data, samples, seed);
      return dataset(
        name,
        x,
        y.map(() => random.below(10)),
        classes,
      );
    };
    const members = relabelled(parts.train);
    const others = relabelled(parts.test);
    const advantage = async (part: readonly OpenPart[]) => {
      const { model } = await trained(
        blank("small-cnn", members, seed),
        // The last epochs remember the most.
        { train: members, validation: members },
        seed,
        {
          settings: { epochs, learningRate: 1e-2, batchSize: 20 },
          parts: part,
        },
      );
      const compiled = await compile(model, onnxruntime);
      const lossesOf = async ({ x, y }: Dataset) => [
        ...(await compiled.lossGradient(x, y)).loss,
      ];
      const inside = await lossesOf(members);
      const outside = await lossesOf(others);
      await compiled.release();
      const mean = inside.reduce((sum, v) => sum + v, 0) / samples;
      const below = (losses: readonly number[]) =>
        losses.filter((v) => v <= mean).length / samples;
      return below(inside) - below(outside);
    };
    return [
      {
        what: "membership advantage: without DP-SGD, against with it",
        first: await advantage([]),
        second: await advantage([defense({ id: "dp-sgd", noise: 2 })]),
        least: 0,
      },
    ];
  },
});
