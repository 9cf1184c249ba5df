import { repairSpelling } from "./spelling.ts";
import { foldUnicode } from "./unicode.ts";

/**
 * Repairs of a text before it becomes tokens: functions of text, so no
 * graph can hold them.
 */
export const textRepairs = {
  unicode: (text: string) => foldUnicode(text),
  spelling: repairSpelling,
} satisfies Record<
  string,
  (text: string, words: ReadonlySet<string>) => string
>;
