import { z } from "zod";
import { textRepairs } from "#texts";
import { defineTextSanitizer, eachText } from "./sanitizer.ts";

/**
 * The vocabulary's only word one edit away for one that it does not have, see
 * `repairSpelling`: the simplest of the recognisers of words that Pruthi et al.
 * put in front of a classifier; theirs reads whole sentences.
 */
export const spelling = defineTextSanitizer({
  id: "spelling",
  title: "Spelling repair",
  summary:
    "Replaces a word that the vocabulary does not have by the only word of it that is one edit away.",
  caution:
    "Words that are two edits away, that have several neighbours, or that an edit turns into another word pass. Names and rare words of clean texts are changed too.",
  reference: "Pruthi et al. 2019, arXiv:1905.11268",
  params: z.strictObject({}),
  open: async (_params, { words }) =>
    eachText((text) => textRepairs.spelling(text, words)),
});
