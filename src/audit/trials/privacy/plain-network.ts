import type { Random } from "#core";
import type { Model } from "#model";
import { architectureOf } from "#tuning";

/**
 * An untrained network of the project's for what a model takes: of images or of rows.
 */
export function plainNetwork(
  { contract, classes }: Model,
  random: Random,
): Model {
  const id = contract.shape.length === 1 ? "mlp" : "small-cnn";
  return architectureOf(id).build(contract.shape, classes, random);
}
