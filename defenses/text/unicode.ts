import { z } from "zod";
import { textRepairs } from "#texts";
import { defineTextSanitizer, eachText } from "./sanitizer.ts";

/**
 * NFKC, lookalikes of Latin letters as these, no invisible and direction
 * characters: see `foldUnicode`.
 */
export const unicode = defineTextSanitizer({
  id: "unicode",
  title: "Unicode folding",
  reference: "Boucher et al. 2022, arXiv:2106.09898",
  params: z.strictObject({}),
  open: async () => eachText(textRepairs.unicode),
});
