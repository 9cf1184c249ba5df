import type { Way } from "#attacks";
import type { Said } from "./measure.ts";
import type { Piece } from "./transcripts.ts";

/** What was seen of one model, with how far it is from the released one. */
export interface Seen extends Omit<Said, "first"> {
  readonly level: number;
  /** Mean of KL(released || this) of the first token on allowed prompts, in nats. */
  readonly divergence: number;
  /** What the attack says of it. */
  readonly notes: readonly string[];
  /**
   * Of some restricted prompts -log p a token of what it says under the base, in nats;
   * null for a refusal, and none at all where there is no base.
   */
  readonly oddness: readonly (number | null)[];
  /** What it says to the prompts that are shown. */
  readonly shown: readonly (readonly Piece[])[];
  /** The same model asked in other ways, as controls. */
  readonly also: readonly {
    readonly name: string;
    /** Whether it has to refuse as before. */
    readonly hides: boolean;
    readonly said: Answered;
  }[];
}

/** Which prompts were refused and answered. */
export type Answered = Omit<Said, "first" | "surprise" | "leaning">;

/** A walk and what was seen at each of its levels. */
export interface Walked {
  readonly way: Way;
  readonly seen: readonly Seen[];
}

/** All that the findings are made of. */
export interface Measured {
  readonly released: Seen;
  readonly base: Seen | null;
  readonly attack: readonly Walked[];
  /** Settings that a search did not go on with, as far as they came. */
  readonly left: readonly Walked[];
  readonly control: readonly Walked[];
}
