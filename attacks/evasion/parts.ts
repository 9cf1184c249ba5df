import { isAboutGradients } from "#model";
import type { AttackInput, Part } from "../attack.ts";

/** One of the attacks that an attack consists of. */
export interface Member extends Pick<Part, "id" | "access"> {
  /** About how many passes it makes. */
  readonly cost: number;
  run(told: Told): Promise<unknown>;
}

type Told = Required<Pick<AttackInput<unknown>, "onProgress" | "onNote">>;

/**
 * Runs attacks one after the other over the samples that still stand. One that needs
 * a gradient that there is not is left out and named.
 *
 * @param whole the id of the attack that they are parts of
 * @throws GRADIENT_NO_PATH, GRADIENT_UNSUPPORTED where none of them can run
 */
export async function runParts(
  whole: string,
  { target, onProgress, onPart, onNote }: AttackInput<unknown>,
  members: readonly Member[],
): Promise<void> {
  const total = members.reduce((sum, { cost }) => sum + cost, 0);
  const out: { readonly id: string; readonly why: Error }[] = [];
  let done = 0;
  for (const { id, access, cost, run } of members) {
    if (target.open().length === 0) break;
    const from = done;
    let noGradient: string | null = null;
    const notes: string[] = [];
    try {
      await run({
        onProgress: (share) => onProgress((from + share * cost) / total),
        onNote: (text) => notes.push(text),
      });
      for (const text of notes) onNote?.(text);
    } catch (error) {
      if (!isAboutGradients(error)) throw error;
      out.push({ id, why: error });
      noGradient = error.message;
    }
    onPart?.({ id, access, noGradient });
    done += cost;
  }
  const [first] = out;
  if (!first) return;
  if (out.length === members.length) throw first.why;
  const names = out.map(({ id }) => id).join(", ");
  onNote?.(
    `${whole}: there was nothing to follow for ${names}, and what needs no gradient ran alone (${first.why.message})`,
  );
}
