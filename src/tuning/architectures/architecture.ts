import type { Explained, Random } from "#core";
import type { Model } from "#model";

/** A network that can be pre-trained when there is no base model. */
export interface Architecture extends Explained {
  readonly id: string;
  readonly title: string;
  /**
   * Whether its logits are [N, classes, ...], one at each position, rather than [N,
   * classes].
   */
  readonly atPositions?: true;
  /** @param shape of one sample: [C, H, W], or [width] of rows */
  build(
    shape: readonly number[],
    classes: readonly string[],
    random: Random,
  ): Model;
}
