import type { Random } from "#core";
import type { Model } from "#model";

/** A network that can be pre-trained when there is no base model. */
export interface Architecture {
  readonly id: string;
  readonly title: string;
  /** @param shape of one sample: [C, H, W], or [width] of rows */
  build(
    shape: readonly number[],
    classes: readonly string[],
    random: Random,
  ): Model;
}
