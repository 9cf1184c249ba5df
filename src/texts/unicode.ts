/**
 * Letters that look like Latin ones, as pairs: the lower- and upper-case letters
 * of Cyrillic, Greek, Armenian and IPA from the Unicode Consortium's list of
 * confusables (UTS 39), not all of its 6,000 entries. What is a font variant or
 * full width of a Latin letter is folded by NFKC.
 */
const LOOKALIKES =
  "аaеeоoрpсcуyхxіiјjѕsԁdԛqԝwһhӏlгrѵvАAВBЕEКKМMНHОOРPСCТTУYХXІIЈJЅSԌGԚQԜWѴV" +
  "αaοoνvρpιiυuϲcϳjΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϹCͿJ" +
  "օoսuհhոnցgզqՕOՍUɑaɡgɩiıiʏy";

const folded: ReadonlyMap<string, string> = new Map(
  Array.from(LOOKALIKES.matchAll(/(.)(.)/gu), ([, from = "", to = ""]) => [
    from,
    to,
  ]),
);

/** The characters that look like each letter. */
export const lookalikes: ReadonlyMap<string, readonly string[]> = new Map(
  [...new Set(folded.values())].map((letter) => [
    letter,
    [...folded].flatMap(([from, to]) => (to === letter ? [from] : [])),
  ]),
);

/**
 * Zero-width and other invisible characters, and those that turn the
 * direction of writing.
 */
const UNSEEN =
  /[\p{Cf}\p{Variation_Selector}\u115f\u1160\u3164\uffa0]|\u034f/gu;

/**
 * Makes text that looks alike the same text: invisible and direction characters
 * go, compatibility forms (NFKC) and lookalikes of Latin letters become the
 * letter. It undoes the attacks of homoglyphs and invisible characters of
 * Boucher et al. 2022 (arXiv:2106.09898). Reordered text keeps its stored order.
 *
 * For text in Latin script: real Cyrillic or Greek words do not survive it.
 */
export function foldUnicode(text: string): string {
  // NFKC turns some lookalikes into letters that are none, and lets accents join the
  // letters that are found.
  const plain = fold(text.replace(UNSEEN, "")).normalize("NFKC");
  return fold(plain).normalize("NFKC");
}

const fold = (text: string) =>
  Array.from(text, (character) => folded.get(character) ?? character).join("");
