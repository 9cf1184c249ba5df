import type { z } from "zod";
import type { Random } from "#core";
import type { Limit, Target } from "#model";
import { editsBetween } from "#texts";
import type { Attack } from "../attack.ts";

/** What an attack on texts works on. */
export interface TextInput<P> {
  /** Answers texts, through whatever repairs and tokenizer there are. */
  readonly target: Target<readonly string[]>;
  /** Clean texts that the target classifies correctly. */
  readonly texts: readonly string[];
  /** Their true labels. */
  readonly y: Int32Array;
  /** Most edits of each; see `editsBetween`. */
  readonly edits: number;
  readonly params: P;
  /** One generator a text, so that results do not depend on how texts are batched. */
  readonly random: readonly Random[];
  /** Called between steps with the share of the work that is done; throws when the run is interrupted. */
  readonly onProgress: (share: number) => void;
  /** Called with what it has to do otherwise than its paper says, in a sentence without its stop. */
  readonly onNote?: (text: string) => void;
}

/** An attack on what a text model reads, rather than on numbers. */
export interface TextAttack<S extends z.ZodObject = z.ZodObject>
  extends Omit<Attack<S>, "kind" | "norms" | "run"> {
  readonly kind: "text";
  readonly norms: readonly ["edits"];
  /**
   * Tries to break the texts. The target judges every text that it is asked
   * about and keeps those that broke one, so most attacks return what it kept.
   *
   * @returns one text each, no more than `edits` away
   */
  run(input: TextInput<z.output<S>>): Promise<readonly string[]>;
}

/** Declares an attack on texts. Its parameters refuse unknown names. */
export function defineTextAttack<S extends z.ZodObject>(
  attack: Omit<TextAttack<S>, "kind" | "norms">,
): TextAttack<S> {
  return { kind: "text", norms: ["edits"], ...attack };
}

/** What attacks are that search by scores. */
export const byScores = {
  access: "score",
  family: "query",
  taxonomy: {
    atlas: ["AML.T0043.001", "AML.T0015", "AML.T0040"],
    owasp: ["ML01:2023"],
    nist: ["NISTAML.025"],
  },
} as const;

/** Texts within so many edits. */
export const editsLimit = (eps: number): Limit<readonly string[]> => ({
  eps,
  nearest: false,
  distance: (clean, examples) =>
    clean.map((text, i) => editsBetween(text, examples[i]!)),
});
