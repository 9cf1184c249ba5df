import type { z } from "zod";

/** Which of several trainings of one candidate this is, counted from 1. */
export interface Replica {
  readonly of: string;
  readonly index: number;
}

/**
 * Candidates with one entry for each training seed: "full" with three seeds
 * becomes "full.1" to "full.3". The first is what the candidate would be with
 * one seed.
 */
export function withReplicas<C extends { seeds: number }>(
  candidates: Readonly<Record<string, C>>,
  context: z.RefinementCtx,
): Record<string, C & { replica: Replica | null }> {
  type Entry = [string, C & { replica: Replica | null }];
  return Object.fromEntries(
    Object.entries(candidates).flatMap(([name, spec]): Entry[] => {
      if (spec.seeds === 1) return [[name, { ...spec, replica: null }]];
      return Array.from({ length: spec.seeds }, (_, i) => {
        const id = `${name}.${i + 1}`;
        if (id in candidates)
          context.addIssue({
            code: "custom",
            path: [id],
            message: `is also the name of seed ${i + 1} of "${name}"`,
          });
        return [id, { ...spec, replica: { of: name, index: i + 1 } }];
      });
    }),
  );
}
