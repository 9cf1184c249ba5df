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
  summary:
    "Folds Unicode: lookalikes of Latin letters become these, and invisible and direction characters are taken out.",
  caution:
    "It undoes lookalikes and invisible characters and nothing else: behind it run charmer and textbugger. Texts in other scripts than Latin may lose letters that they need.",
  reference: "Boucher et al. 2022, arXiv:2106.09898",
  params: z.strictObject({}),
  open: async () => eachText(textRepairs.unicode),
});
