import type { Model } from "#model";
import type { Candidate } from "../suite/index.ts";
import { adapted } from "./adapted.ts";
import { asItIs } from "./as-it-is.ts";
import { given } from "./given.ts";
import type { Maker } from "./maker.ts";
import { member } from "./member.ts";
import type { KeyPlace, Known, ReadyModel, Workshop } from "./ready.ts";
import { tuned } from "./tuned.ts";

/** How candidates come to be, by their kind. */
const makers: Readonly<Record<Candidate["kind"], Maker>> = {
  given,
  base: asItIs,
  tuned,
  adapted,
  member,
};

// The plan refuses candidates that come from a base where there is none, and what is
// given looks at no base.

/** A candidate as far as it is known before it is trained. */
export const outlineOfCandidate = async (
  candidate: Candidate,
  known: Known,
  base: Model | null,
): Promise<Model> =>
  makers[candidate.kind].outline(candidate, known, base as Model);

/** Refuses a training that would be refused before its first step. */
export const rehearseCandidate = (
  candidate: Candidate,
  known: Known,
  base: Model | null,
): void => makers[candidate.kind].rehearse?.(candidate, known, base as Model);

/**
 * Hash of all that a candidate is made of.
 *
 * @param base the same of the base; null where there is none
 */
export const candidateKey = (
  candidate: Candidate,
  place: KeyPlace,
  base: string | null,
): string => makers[candidate.kind].key(candidate, place, base ?? "");

/** A candidate: read from its file, or made from the base and kept. */
export const makeCandidate = (
  candidate: Candidate,
  shop: Workshop,
  base: ReadyModel | null,
): Promise<ReadyModel> =>
  makers[candidate.kind].make(candidate, shop, base as ReadyModel);
