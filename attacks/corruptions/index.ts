import { gaussianBlur } from "./blur.ts";
import type { Corruption } from "./corruption.ts";
import { jpeg } from "./jpeg.ts";
import { brightness, contrast } from "./light.ts";
import { gaussianNoise, impulseNoise, shotNoise } from "./noise.ts";
import { pixelate } from "./pixelate.ts";

/** Every corruption. A new one is a file and a line here. */
export const corruptions: readonly Corruption[] = [
  gaussianNoise,
  shotNoise,
  impulseNoise,
  gaussianBlur,
  brightness,
  contrast,
  jpeg,
  pixelate,
];

export type { Corruption, Image } from "./corruption.ts";
