import { candidateKey, type Workshop } from "../models/index.ts";
import { type Candidate, isTrained } from "../suite/index.ts";

/** Another candidate of the same task, whose examples are replayed on one. */
export interface Peer {
  readonly id: string;
  /** Hash of all that it is made of. */
  readonly key: string;
}

/**
 * Who they are, whatever of the suite is planned, so that what is found depends on no
 * choice of cells; null where there is none.
 */
export interface Peers {
  readonly given: Peer | null;
  readonly trained: Peer | null;
}

/**
 * Finds the peers of each candidate among those that are other models than it: the
 * first that is given as a file, and the first that the run trains. Of these come first
 * those without a training defence and without an adaptation, whose gradients nothing
 * was done to; and of either those that are no other seed of the same training, which
 * may hide what the candidate hides.
 *
 * @param base hash of all that the base is made of; null where there is none
 */
export function openPeers(
  shop: Workshop,
  base: string | null,
): (candidate: string) => Peers {
  const { candidates } = shop.loaded.suite;
  const all = Object.values(candidates);
  const keys = new Map<string, string>();
  const keyOf = (one: Candidate): string => {
    const key = keys.get(one.id) ?? candidateKey(one, shop, base);
    keys.set(one.id, key);
    return key;
  };
  return (id) => {
    const candidate = candidates[id]!;
    const others = all.filter(
      (one) => one.task === candidate.task && keyOf(one) !== keyOf(candidate),
    );
    const peer = (one: Candidate | undefined) =>
      one ? { id: one.id, key: keyOf(one) } : null;
    const isSeed = ({ replica }: Candidate) =>
      replica !== null && replica.of === candidate.replica?.of;
    const rank = (one: Candidate) =>
      2 * Number(!isPlain(one)) + Number(isSeed(one));
    return {
      given: peer(others.find(({ kind }) => kind === "given")),
      trained: peer(
        others.filter(isTrained).toSorted((a, b) => rank(a) - rank(b))[0],
      ),
    };
  };
}

const isPlain = ({ training, adaptation }: Candidate): boolean =>
  training.length === 0 && !adaptation;
