import type { z } from "zod";
import type { Limit } from "#model";
import { editsBetween } from "#texts";
import type { Attack, AttackInput } from "../attack.ts";
import { blackBox } from "../taxonomies.ts";

/**
 * What an attack on texts works on: the target answers texts, through whatever repairs
 * and tokenizer there are, and `ball.eps` is the most edits of each (see
 * `editsBetween`).
 */
export type TextInput<P> = AttackInput<
  P,
  readonly string[],
  Limit<readonly string[]>
>;

/** An attack on what a text model reads, rather than on numbers. */
export interface TextAttack<S extends z.ZodObject = z.ZodObject>
  extends Omit<Attack<S>, "kind" | "norms" | "run"> {
  readonly kind: "text";
  readonly norms: readonly ["edits"];
  /**
   * Tries to break the texts. The target judges every text that it is asked
   * about and keeps those that broke one, so most attacks return what it kept.
   *
   * @returns one text each, inside the ball
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
  taxonomy: blackBox,
} as const;

/** Texts within so many edits. */
export const editsLimit = (eps: number): Limit<readonly string[]> => ({
  eps,
  nearest: false,
  distance: (clean, examples) =>
    clean.map((text, i) => editsBetween(text, examples[i]!)),
});
