import { whyNoGradient } from "#model";
import type { ReadyModel } from "../models/index.ts";
import type { Surrogate } from "../trust/index.ts";
import { type Bench, openFor } from "./bench.ts";
import type { Peer } from "./peers.ts";

/** What a peer is called in a sentence. */
export const titleOf = ({ id }: Peer): string => `the candidate ${id}`;

/** A model that examples are made on, to be replayed. */
export const asSurrogate = async (
  title: string,
  ready: ReadyModel,
  bench: Bench,
): Promise<Surrogate> => ({
  title,
  model:
    whyNoGradient(ready.model) === null
      ? (await openFor(ready, [], bench)).model
      : null,
});
