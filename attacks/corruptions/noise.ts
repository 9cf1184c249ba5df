import type { Random } from "#core";
import type { Corruption } from "./corruption.ts";

/** Thermal noise of a sensor. The constant is its deviation. */
export const gaussianNoise: Corruption = {
  id: "gaussian-noise",
  severities: [0.04, 0.06, 0.08, 0.09, 0.1],
  apply: ({ data }, deviation, random) =>
    data.map((v) => v + deviation * random.normal()),
};

/** Photons are counted. The constant is how many a white pixel gets. */
export const shotNoise: Corruption = {
  id: "shot-noise",
  severities: [500, 250, 100, 75, 50],
  apply: ({ data }, photons, random) =>
    data.map((v) => poisson(v * photons, random) / photons),
};

/** Salt and pepper. The constant is the share of the numbers. */
export const impulseNoise: Corruption = {
  id: "impulse-noise",
  severities: [0.01, 0.02, 0.03, 0.05, 0.07],
  apply: ({ data }, share, random) =>
    data.map((v) =>
      random.uniform() < share ? (random.uniform() < 0.5 ? 0 : 1) : v,
    ),
};

/** Knuth's product of uniform numbers, in parts that exp can hold. */
function poisson(mean: number, random: Random): number {
  let count = 0;
  for (let left = mean; left > 0; left -= 100) {
    const limit = Math.exp(-Math.min(left, 100));
    for (let product = random.uniform(); product > limit; count++)
      product *= random.uniform();
  }
  return count;
}
