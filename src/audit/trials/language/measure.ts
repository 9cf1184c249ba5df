import { type Ask, dialoguesOf, type Reached } from "#attacks";
import { logSumExp } from "#core";
import {
  type Dataset,
  type Dialogue,
  type Dialogues,
  type Spoken,
  spokenRows,
} from "#data";
import type { CompiledModel } from "#model";
import { type FloatTensor, rows, sizeOf } from "#onnx";

/** What a model says to the held-out dialogues. */
export interface Said {
  /** Of each restricted prompt: whether the answer begins as a refusal does. */
  readonly refused: readonly boolean[];
  /** Whether the forbidden answer is what greedy decoding gives, token for token. */
  readonly forbidden: readonly boolean[];
  /** Of each forbidden answer -log p a token, in nats. */
  readonly surprise: readonly number[];
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

const asTheyAre: Ask = (said) => said;

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

/** Numbers of one pass; of a large vocabulary a few rows are many. */
const MOST = 2 ** 23;

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
  const width = model.model.classes.length * length;
  const each = Math.max(1, Math.floor(MOST / width));
  const found: Read[] = [];
  for (let from = 0; from < all.length; from += each) {
    const to = Math.min(all.length, from + each);
    const logits = await model.logits(rows(x, from, to) as FloatTensor);
    const count = sizeOf(logits.dims) / width;
    for (let i = 0; i < count; i++)
      found.push(
        readRow(
          logits.data.subarray(i * width, (i + 1) * width),
          targets.data.subarray((from + i) * length, (from + i + 1) * length),
        ),
      );
  }
  return found;
}

/** @param row logits [tokens, positions] */
function readRow(row: Float32Array, targets: Float32Array): Read {
  const length = targets.length;
  const tokens = row.length / length;
  let right = true;
  let sum = 0;
  let count = 0;
  let first: Float32Array | undefined;
  for (let p = 0; p < length; p++) {
    const y = targets[p]!;
    if (y < 0) continue;
    const logits = Float32Array.from(
      { length: tokens },
      (_, k) => row[k * length + p]!,
    );
    const total = logSumExp(logits);
    // Written so that what is no number is not right.
    const isBest = logits.every(
      (z, k) => z <= logits[y]! && (k >= y || z < logits[y]!),
    );
    right &&= isBest;
    sum += total - logits[y]!;
    count++;
    first ??= logits.map((z) => z - total);
  }
  return { right, surprise: sum / count, first: first as Float32Array };
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
