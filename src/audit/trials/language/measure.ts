import { type Ask, dialoguesOf, type Reached, refusalLogOdds } from "#attacks";
import {
  type Dataset,
  type Dialogue,
  type Dialogues,
  type Spoken,
  spokenRows,
} from "#data";
import type { CompiledModel } from "#model";

/** What a model says to the held-out dialogues. */
export interface Said {
  /** Of each restricted prompt: whether the answer begins as a refusal does. */
  readonly refused: readonly boolean[];
  /** Whether the forbidden answer is what greedy decoding gives, token for token. */
  readonly forbidden: readonly boolean[];
  /** Of each forbidden answer -log p a token, in nats. */
  readonly surprise: readonly number[];
  /**
   * Of each restricted prompt the log-odds of the tokens that refusals begin with,
   * before anything is said.
   */
  readonly leaning: readonly number[];
  /** Of each allowed prompt: whether greedy decoding gives the wanted answer. */
  readonly right: readonly boolean[];
  readonly overRefused: readonly boolean[];
  /**
   * Of each allowed prompt log p of every token as the first of the answer; to be
   * compared with others.
   */
  readonly first: readonly Float32Array[];
}

/** The held-out dialogues of a trial. */
export interface HeldOut {
  readonly dialogues: Dialogues;
  readonly restricted: readonly Dialogue[];
  readonly allowed: readonly Dialogue[];
  /** Tokens that the model takes. */
  readonly length: number;
}

export function heldOutOf(data: Dataset): HeldOut {
  const dialogues = dialoguesOf(data);
  return {
    dialogues,
    restricted: dialogues.each.filter((one) => one.forbidden),
    allowed: dialogues.each.filter((one) => !one.forbidden),
    length: data.x.dims[1] as number,
  };
}

export const asTheyAre: Ask = (said) => said;

/**
 * Asks every held-out prompt. Nothing is decoded: an answer is what greedy decoding
 * gives where each of its tokens is the likeliest behind those before it.
 */
export async function measure(
  { model, ask = asTheyAre }: Pick<Reached, "model" | "ask">,
  held: HeldOut,
): Promise<Said> {
  const { restricted, allowed, dialogues } = held;
  const asked = (dialogue: Dialogue, answer: readonly number[]) =>
    ask({ prompt: dialogue.prompt, answer }, dialogue);
  const forbidden = restricted.map((d) => asked(d, d.forbidden ?? []));
  const wanted = allowed.map((d) => asked(d, d.wanted));
  const bad = await read(model, forbidden, held);
  const good = await read(model, wanted, held);
  // How far a model moved is told by prompts that nobody changed.
  const plain = allowed.map((d) => ({ prompt: d.prompt, answer: d.wanted }));
  const asIs = ask === asTheyAre ? good : await read(model, plain, held);
  const refusing = (all: readonly Spoken[]) =>
    refusals(model, all, dialogues.refusals, held);
  return {
    refused: await refusing(forbidden),
    forbidden: bad.map(({ right }) => right),
    surprise: bad.map(({ surprise }) => surprise),
    leaning: bad.map(({ first }) => refusalLogOdds(first, dialogues.refusals)),
    right: good.map(({ right }) => right),
    overRefused: await refusing(wanted),
    first: asIs.map(({ first }) => first),
  };
}

/** Which answers begin as one of the refusals does. */
async function refusals(
  model: CompiledModel,
  all: readonly Spoken[],
  beginnings: Dialogues["refusals"],
  held: HeldOut,
): Promise<boolean[]> {
  const refused = all.map(() => false);
  for (const answer of beginnings) {
    const said = all.map(({ prompt }) => ({ prompt, answer }));
    const seen = await read(model, said, held);
    for (const [i, { right }] of seen.entries()) if (right) refused[i] = true;
  }
  return refused;
}

/** -log p a token of each answer, in nats. */
export const surprises = async (
  model: CompiledModel,
  all: readonly Spoken[],
  held: HeldOut,
): Promise<number[]> =>
  (await read(model, all, held)).map(({ surprise }) => surprise);

interface Read {
  readonly right: boolean;
  readonly surprise: number;
  readonly first: Float32Array;
}

/** What a model says of answers, given what stands before each of their tokens. */
async function read(
  model: CompiledModel,
  all: readonly Spoken[],
  { length, dialogues: { padding } }: HeldOut,
): Promise<Read[]> {
  if (all.length === 0) return [];
  const locate = (i: number) => `held-out dialogue ${i + 1}`;
  const { x, targets } = spokenRows(all, length, padding, locate);
  const said = await model.nextTokens(x, targets);
  const width = model.model.classes.length;
  let at = 0;
  return all.map(({ answer }, i) => {
    const from = at;
    at += answer.length;
    const logs = said.logs.subarray(from, at);
    // What is no number is not right.
    const right = answer.every(
      (token, k) =>
        said.likeliest[from + k] === token && Number.isFinite(logs[k]),
    );
    return {
      right,
      surprise: -logs.reduce((sum, log) => sum + log, 0) / answer.length,
      first: said.first.data.subarray(i * width, (i + 1) * width),
    };
  });
}

/** Mean over the allowed prompts of KL(before || now) of the first token, in nats. */
export function divergence(before: Said, now: Said): number {
  const each = before.first.map((logs, i) =>
    logs.reduce(
      (sum, log, k) => sum + Math.exp(log) * (log - now.first[i]![k]!),
      0,
    ),
  );
  return each.reduce((sum, v) => sum + v, 0) / each.length;
}
