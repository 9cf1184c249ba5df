import type { z } from "zod";
import type { Attack } from "./attack.ts";

/**
 * What all attacks have in common that are tried on a fine-tuning rather than on
 * inputs: they change what it learns from, what it starts from or what became of
 * it, or ask what it tells of its data. Each kind has its own interface, and a
 * protocol in `src/audit/trials` that measures what the attack achieved; an attack
 * never measures itself.
 */
export interface TrialUnit<S extends z.ZodObject = z.ZodObject> {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  /** Authors, year and arXiv id. */
  readonly reference: string;
  /** Identifiers in MITRE ATLAS 5.6.0, OWASP ML Top 10 (2023) and NIST AI 100-2 E2025. */
  readonly taxonomy: Attack["taxonomy"];
  /** What the attacker knows and may do, in a sentence without its stop. */
  readonly threat: string;
  /** Whether the candidate is fine-tuned again, so that one that is only given as a file cannot be tried. */
  readonly needsTuning: boolean;
  /** Whether its control is a model that does not descend from the base; false when left out. */
  readonly needsUnrelated?: boolean;
  /** Whether it is tried behind the reactive defences of the suite too; false when left out. */
  readonly meetsDefenses?: boolean;
  /** What samples have to be: images, or numbers rather than tokens; anything when left out. */
  takes?(params: z.output<S>): "images" | "numbers" | undefined;
  readonly params: S;
}
