import { InterruptedError, UsageError } from "#core";

/** One thing that can be chosen. */
export interface Option {
  readonly value: string;
  readonly hint?: string;
}

/** Who decides what the files leave open. */
export interface Ask {
  /**
   * @param flag the option of the command that answers it
   * @throws INIT_CHOICE where nobody can be asked and several are left
   */
  choose(
    question: string,
    options: readonly Option[],
    flag: string,
  ): Promise<string>;
  confirm(question: string): Promise<boolean>;
}

/** Takes what alone is left, and refuses where that is not one. */
export const nobody: Ask = {
  async choose(question, options, flag) {
    const [one, ...more] = options;
    if (one && more.length === 0) return one.value;
    throw new UsageError(
      "INIT_CHOICE",
      `${question}: ${one ? options.map(({ value }) => value).join(", ") : "there is none"}`,
      `State it: ${flag}.`,
    );
  },
  confirm: async () => true,
};

/** Asks the person at the terminal, where there is more than one answer. */
export async function atTerminal(): Promise<Ask> {
  const { select, confirm, isCancel } = await import("@clack/prompts");
  // The type of what is not given is a symbol of the library's own.
  const given = <T>(answer: T): Exclude<T, symbol> => {
    if (isCancel(answer)) throw new InterruptedError();
    return answer as Exclude<T, symbol>;
  };
  return {
    async choose(question, options, flag) {
      if (options.length < 2) return nobody.choose(question, options, flag);
      return given(await select({ message: question, options: [...options] }));
    },
    confirm: async (message) => given(await confirm({ message })),
  };
}
