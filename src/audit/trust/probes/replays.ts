import { attackOn, type Ball, basePgd, type Runnable } from "#attacks";
import type { FloatTensor } from "#onnx";
import type { Attempt, Surrogate, Tries } from "./probe.ts";

/** What examples broke that were made on another model. */
export interface Replay extends Tries {
  /** What it is called in a sentence. */
  through: string;
}

/** Steps on the other model, and their length as a share of eps. */
const ASCENT = { steps: 40, relStepSize: 0.1 };

/**
 * Examples of PGD on other models, replayed (Papernot et al. 2016, arXiv:1605.07277):
 * gradients that are masked here are not there. None for texts, labels and values,
 * and in norms that the attack does not know.
 *
 * @param triedBy runs an attack on the samples of the attempt
 */
export async function replays(
  attempt: Attempt,
  triedBy: (
    chosen: Runnable<FloatTensor, Ball>,
    purpose: string,
  ) => Promise<Tries>,
): Promise<Replay[]> {
  const { surrogates = [], targets, ball } = attempt;
  if (targets || !basePgd.norms.includes(ball.norm)) return [];
  const found: Replay[] = [];
  for (const surrogate of surrogates) {
    const purpose = `replayed through ${surrogate.title}`;
    const examples = await madeOn(surrogate, attempt, purpose);
    const tries = await triedBy(
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
    found.push({ ...tries, through: surrogate.title });
  }
  return found;
}

async function madeOn(
  { model: base }: Surrogate,
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
