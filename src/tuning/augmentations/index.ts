import type { Augmentation } from "./augmentation.ts";
import { colour } from "./colour.ts";
import { crop } from "./crop.ts";
import { cutmix } from "./cutmix.ts";
import { flip } from "./flip.ts";
import { mixup } from "./mixup.ts";
import { rotate } from "./rotate.ts";

/** Every augmentation. A new one is a file and a line here. */
export const augmentations: readonly Augmentation[] = [
  flip,
  crop,
  rotate,
  colour,
  mixup,
  cutmix,
];

export type { Augmentation } from "./augmentation.ts";
