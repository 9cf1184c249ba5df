import { z } from "zod";

/**
 * A detector inside a model: a value of the graph that is high where an
 * input is suspicious.
 */
export const detectorSchema = z.object({
  id: z.string(),
  /** The value of its score, [N]. */
  score: z.string(),
  /** An input whose score is not at most this is flagged. */
  threshold: z.number(),
  /** How far the threshold lies above the middle of clean scores. */
  scale: z.number().positive(),
  /**
   * How many logits an excess of one scale weighs for an attack that has to evade it.
   */
  weight: z.number().positive(),
  /**
   * Whether what it flags is refused an answer; otherwise the model
   * answers it another way.
   */
  rejects: z.boolean(),
});

export type Detector = z.output<typeof detectorSchema>;

/** Whether a model with these detectors may leave an input without an answer. */
export const mayRefuse = (detectors: readonly Detector[] = []): boolean =>
  detectors.some(({ rejects }) => rejects);

/** Whether each row is flagged by its score. One that is not a number is. */
export const isFlagged = (score: number, { threshold }: Detector): boolean =>
  !(score <= threshold);
