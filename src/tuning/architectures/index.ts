import type { Random } from "#core";
import type { Model } from "#model";
import { madryCnn } from "./madry-cnn.ts";
import { mlp } from "./mlp.ts";
import { smallCnn, smallCnnBn } from "./small-cnn.ts";

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

/** Every built-in architecture. A new one is a file and a line here. */
export const architectures: readonly Architecture[] = [
  smallCnn,
  smallCnnBn,
  madryCnn,
  mlp,
];

/** The architecture of this id, which is known to be one. */
export function architectureOf(id: string): Architecture {
  const found = architectures.find((a) => a.id === id);
  if (!found) throw new Error(`${id} is none of the architectures`);
  return found;
}
