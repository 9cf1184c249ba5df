import { csv } from "./csv.ts";
import { digits } from "./digits.ts";
import { idx } from "./idx.ts";
import { imageFolder } from "./image-folder.ts";
import { parquet } from "./parquet.ts";

/** Every kind of dataset that a suite can name. */
export const sources = [digits, idx, imageFolder, csv, parquet] as const;
