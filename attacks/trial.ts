import type { z } from "zod";
import type { Explained, Need } from "#core";
import type { Attack } from "./attack.ts";

/**
 * An attack that is tried on a fine-tuning rather than on inputs: it changes what that
 * learns from, what it starts from or what became of it, or asks what it tells of its
 * data. Each kind adds a function of its own, and has a protocol in `src/audit/trials`
 * that measures what the attack achieved; an attack never measures itself.
 */
export interface TrialAttack<S extends z.ZodObject = z.ZodObject>
  extends Explained {
  readonly id: string;
  readonly title: string;
  /** Which protocol tries it. */
  readonly kind: string;
  /** Authors, year and arXiv id. */
  readonly reference: string;
  /**
   * Identifiers in MITRE ATLAS 5.6.0, OWASP ML Top 10 (2023) and NIST AI 100-2 E2025.
   */
  readonly taxonomy: Attack["taxonomy"];
  /** What the attacker knows and may do, in a sentence without its stop. */
  readonly threat: string;
  /** What has to be there; nothing when left out. */
  readonly needs?: readonly Need[];
  /** What has to be there besides, by its parameters. */
  needsFor?(params: z.output<S>): readonly Need[];
  /**
   * Whether it is tried behind the reactive defences of the suite too;
   * false when left out.
   */
  readonly meetsDefenses?: boolean;
  /**
   * Whether it trains the released model on, so that who trains for others can guard
   * that; false when left out.
   */
  readonly trainsOn?: boolean;
  readonly params: S;
}
