import { digits } from "./digits.ts";
import { idx } from "./idx.ts";
import { imageFolder } from "./image-folder.ts";

/** Every kind of dataset that a suite can name. */
export const sources = [digits, idx, imageFolder] as const;
