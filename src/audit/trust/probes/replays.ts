import { attackOn, basePgd } from "#attacks";
import type { CompiledModel } from "#model";
import type { FloatTensor } from "#onnx";
import type { Attempt, Surrogate, Tries } from "./probe.ts";
import { triedBy } from "./tried-by.ts";

/** What examples broke that were made on another model. */
export interface Replay extends Tries {
  /** What it is called in a sentence. */
  through: string;
}

/** A model whose examples could not be had, and why. */
export interface Untried {
  through: string;
  /** As a sentence goes on that names it. */
  why: string;
}

/** Examples that were made on other models. */
export interface Replays {
  replays: Replay[];
  untried: Untried[];
}

/** Steps on the other model, and their length as a share of eps. */
export const ASCENT = { steps: 40, relStepSize: 0.1 };

/** Whether examples of other models can be had: not of texts, labels and values. */
export const canReplay = ({
  targets,
  ball,
}: {
  readonly targets?: FloatTensor;
  readonly ball: { readonly norm: string };
}): boolean =>
  !targets && (basePgd.norms as readonly string[]).includes(ball.norm);

/**
 * Examples of PGD on other models, replayed (Papernot et al. 2016, arXiv:1605.07277):
 * gradients that are masked here are not there. They are made anew, since what an
 * attack of the suite makes ends where it breaks its own model, and carries over to
 * hardly any other. None where there can be none.
 */
export async function replays(
  attempt: Attempt,
  surrogates: readonly Surrogate[],
): Promise<Replays> {
  const found: Replays = { replays: [], untried: [] };
  if (!canReplay(attempt)) return found;
  for (const { title: through, model } of surrogates) {
    if (model) {
      const tries = await replayed(attempt, model, through);
      found.replays.push({ ...tries, through });
    } else
      found.untried.push({ through, why: "which has no gradient to follow" });
  }
  return found;
}

async function replayed(
  attempt: Attempt,
  base: CompiledModel,
  through: string,
): Promise<Tries> {
  const purpose = `replayed through ${through}`;
  const examples = await madeOn(base, attempt, purpose);
  return triedBy(
    attempt,
    {
      unit: {
        access: "label",
        async run({ target }) {
          const open = target.open();
          await target.predict(examples, open);
          return target.examples();
        },
      },
      params: {},
    },
    purpose,
  );
}

async function madeOn(
  base: CompiledModel,
  attempt: Attempt,
  purpose: string,
): Promise<FloatTensor> {
  const { model, ball, random, onProgress } = attempt;
  const { run } = attackOn(
    model,
    attempt,
    { unit: basePgd, params: basePgd.params.parse(ASCENT) },
    { ball },
    { base, random: random.fork(purpose), onProgress },
  );
  return run();
}
