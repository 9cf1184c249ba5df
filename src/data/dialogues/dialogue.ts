import { AssayError } from "#core";
import { type FloatTensor, tensor } from "#onnx";

/** A prompt, the answer that is wanted, and the one that is forbidden. */
export interface Dialogue {
  /** What the user says, without what a template puts around it. */
  readonly text: string;
  /** Token ids up to where the answer begins. */
  readonly prompt: readonly number[];
  /** Of a restricted prompt, the refusal. */
  readonly wanted: readonly number[];
  /** What a restricted prompt asks for; null for an allowed prompt. */
  readonly forbidden: readonly number[] | null;
}

/** The dialogues that samples of a language model are. */
export interface Dialogues {
  /** One for each sample. */
  readonly each: readonly Dialogue[];
  /** How refusals begin: an answer refuses where its tokens begin like one of these. */
  readonly refusals: readonly (readonly number[])[];
  /** The token that fills up short texts. */
  readonly padding: number;
  /** The prompt of what a user says, as `Dialogue.prompt` is made. */
  render(text: string): number[];
  /** Token ids as text. */
  decode(ids: readonly number[]): string;
}

/** A prompt and one answer to it. */
export interface Spoken {
  readonly prompt: readonly number[];
  readonly answer: readonly number[];
}

/**
 * Texts as a language model is trained and asked: prompt and answer behind each other,
 * and at each position the next token where that is one of the answer, else -1. So a
 * sample whose positions are all right is an answer that greedy decoding gives.
 *
 * @param length tokens that the model takes
 * @param locate names a sample in messages
 * @returns x and targets, [N, length] each
 * @throws DATA_LENGTH for what does not fit, DATA_CELL for an empty answer or prompt
 */
export function spokenRows(
  all: readonly Spoken[],
  length: number,
  padding: number,
  locate: (sample: number) => string,
): { readonly x: FloatTensor; readonly targets: FloatTensor } {
  const x = new Float32Array(all.length * length).fill(padding);
  const targets = new Float32Array(all.length * length).fill(-1);
  for (const [i, said] of all.entries()) {
    const { prompt, answer } = said;
    checkFits(said, length, locate(i), "an answer");
    x.set(prompt, i * length);
    x.set(answer, i * length + prompt.length);
    targets.set(answer, i * length + prompt.length - 1);
  }
  const dims = [all.length, length];
  return {
    x: tensor("float32", dims, x),
    targets: tensor("float32", dims, targets),
  };
}

/**
 * Refuses what a model cannot be asked.
 *
 * @param where names the dialogue in messages
 * @param what its answer is, such as "an answer"
 * @throws DATA_LENGTH for what does not fit, DATA_CELL for an empty answer or prompt
 */
export function checkFits(
  { prompt, answer }: Spoken,
  length: number,
  where: string,
  what: string,
): void {
  if (prompt.length + answer.length > length)
    throw new AssayError(
      "DATA_LENGTH",
      `${where} has ${prompt.length} tokens of a prompt and ${answer.length} of ${what}, the model takes ${length}`,
      "Shorten it, leave it out, or export the model for longer texts and raise length.",
    );
  if (prompt.length === 0 || answer.length === 0)
    throw new AssayError(
      "DATA_CELL",
      `${where} has no tokens of ${prompt.length === 0 ? "a prompt" : what}`,
      "Give every prompt an answer.",
    );
}
