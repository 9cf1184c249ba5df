import type { Units } from "#units";
import {
  type AdaptedCandidate,
  auditedCandidates,
  type TunedCandidate,
} from "./candidates.ts";
import { checkArgument } from "./document/index.ts";
import { candidateSchemaOf } from "./models.ts";

/** What stands for it in ids. */
const NAME = "model";

/**
 * What a person states of one fine-tuning, or of an adaptation that needs no source, as
 * a candidate of a suite.
 *
 * @param what the argument, in messages
 * @throws ARGUMENT_INVALID
 */
export function oneCandidate(
  written: unknown,
  what: string,
  units: Units,
): TunedCandidate | AdaptedCandidate {
  const schema = candidateSchemaOf(units).transform((spec, context) =>
    auditedCandidates({ [NAME]: spec }, context),
  );
  const all: Record<string, unknown> = checkArgument(written, what, schema);
  const one = all[NAME] as TunedCandidate | AdaptedCandidate | undefined;
  if (one?.kind === "tuned" || one?.kind === "adapted") return one;
  throw new Error("a model, tasks and seeds are not among what can be stated");
}
