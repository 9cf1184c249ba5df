import { arrow } from "./arrow.ts";
import { csv } from "./csv.ts";
import { dialogues } from "./dialogues.ts";
import { digits } from "./digits.ts";
import { idx } from "./idx.ts";
import { imageFolder } from "./image-folder.ts";
import { imageMasks } from "./image-masks.ts";
import { imageParquet } from "./image-parquet.ts";
import { loans } from "./loans.ts";
import { npy } from "./npy.ts";
import { npz } from "./npz.ts";
import { parquet } from "./parquet.ts";
import { policy } from "./policy.ts";
import { taggedText } from "./tagged-text.ts";
import { text } from "./text.ts";
import { transcripts } from "./transcripts.ts";

/** Every kind of dataset that a suite can name. */
export const sources = [
  digits,
  loans,
  idx,
  imageFolder,
  imageMasks,
  imageParquet,
  csv,
  parquet,
  arrow,
  npy,
  npz,
  text,
  taggedText,
  transcripts,
  policy,
  dialogues,
] as const;
