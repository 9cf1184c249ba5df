import type { z } from "zod";
import type { Chosen, Explained, Random } from "#core";
import type { Engine } from "#engine";
import type { FitInput, Fitted } from "../fit.ts";

/** What a sanitizer of texts is opened with, besides its parameters. */
export interface TextTools {
  /** Where paths of parameters start. */
  readonly folder: string;
  readonly engine: Engine;
  /** Words that the protected model's tokenizer knows, in lower case. */
  readonly words: ReadonlySet<string>;
}

/** A sanitizer of texts that is ready. */
export interface OpenSanitizer {
  apply(texts: readonly string[]): Promise<readonly string[]>;
  release(): Promise<void>;
}

/**
 * A reactive defence of a text model: a function of texts, so that no
 * graph can hold it.
 */
export interface TextSanitizer<S extends z.ZodObject = z.ZodObject>
  extends Explained {
  readonly kind: "text-sanitizer";
  readonly id: string;
  readonly title: string;
  /** Authors, year and arXiv id. */
  readonly reference: string;
  readonly params: S;
  /** The files that parameters name, whose contents results depend on. */
  files?(params: z.output<S>): readonly string[];
  /** Finds the constants that `open` needs, on clean texts as they reach it. */
  fit?(
    texts: readonly string[],
    params: z.output<S>,
    tools: TextTools & { readonly random: Random },
  ): Promise<Fitted>;
  open(
    params: z.output<S>,
    tools: TextTools & { readonly fitted?: Fitted },
  ): Promise<OpenSanitizer>;
}

/** Declares a sanitizer of texts. */
export function defineTextSanitizer<S extends z.ZodObject>(
  sanitizer: Omit<TextSanitizer<S>, "kind">,
): TextSanitizer<S> {
  return { kind: "text-sanitizer", ...sanitizer };
}

/**
 * A sanitizer of texts with its parameters, and with what its fit found
 * where it has one.
 */
export interface ChosenTextSanitizer extends Chosen<TextSanitizer> {
  readonly fitted?: Fitted;
}

/**
 * One text after the other by a function of texts.
 *
 * @example
 * ```ts
 * import { eachText } from "assay/units";
 *
 * const plain = eachText((text) => text.normalize("NFKC"));
 * console.log(await plain.apply(["ｇｏｏｄ"])); // [ 'good' ]
 * ```
 */
export const eachText = (change: (text: string) => string): OpenSanitizer => ({
  apply: async (texts) => texts.map(change),
  release: async () => {},
});

/** All sanitizers of a defence, in their order. */
export async function openTextSanitizers(
  parts: readonly ChosenTextSanitizer[],
  tools: TextTools,
): Promise<OpenSanitizer> {
  const all: OpenSanitizer[] = [];
  for (const { unit, params, fitted } of parts)
    all.push(await unit.open(params, { ...tools, fitted }));
  return {
    async apply(texts) {
      let clean = texts;
      for (const one of all) clean = await one.apply(clean);
      return clean;
    },
    async release() {
      for (const one of all) await one.release();
    },
  };
}

/**
 * Fits a sanitizer on clean validation texts, as those before it leave them.
 *
 * @param before what comes before it in the defence, fitted
 */
export async function fitTextSanitizer(
  { unit, params }: ChosenTextSanitizer,
  before: readonly ChosenTextSanitizer[],
  { folder, engine, validation, random }: FitInput & Pick<TextTools, "folder">,
): Promise<Fitted> {
  const { strings = [], reader } = validation.texts ?? {};
  const tools = { folder, engine, words: reader?.words ?? new Set<string>() };
  const front = await openTextSanitizers(before, tools);
  const texts = await front.apply(strings);
  await front.release();
  return (await unit.fit?.(texts, params, { ...tools, random })) ?? new Map();
}
