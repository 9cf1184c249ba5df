import { resolve } from "node:path";
import { z } from "zod";
import { AssayError, hashOf, readFile, sha256, UsageError } from "#core";
import {
  checkFits,
  type Dialogue,
  type Spoken,
  spokenRows,
} from "../dialogues/dialogue.ts";
import {
  chatTemplate,
  type Template,
  templateOf,
} from "../dialogues/template.ts";
import { cellsAt, partsOf, placeOf, type Sheet } from "../sheet.ts";
import { defineSource } from "../source.ts";
import { readTextRows } from "../text/rows.ts";
import { openTokenizer, type TextEncoder } from "../text/tokenizer.ts";
import { tokens } from "./tokens.ts";

const { lowercase: _, ...stated } = tokens;
const key = z.string().min(1);

/** Prompts with the answers that are wanted, and those that are forbidden. */
export const dialogues = defineSource({
  schema: z
    .strictObject({
      source: z.literal("dialogues"),
      path: z
        .string()
        .regex(/\.jsonl$/i, { error: "expected a .jsonl file" })
        .describe(
          "A .jsonl file, an object with a prompt and its answer a line.",
        ),
      prompt: key.default("prompt").describe("The key of what a user says."),
      answer: key
        .default("answer")
        .describe(
          "The key of the answer that is wanted; a refusal, of a restricted prompt.",
        ),
      forbidden: key
        .default("forbidden")
        .describe(
          "The key of what a restricted prompt asks for; absent or null in the lines of allowed prompts.",
        ),
      split: key
        .optional()
        .describe(
          "The key that says which part each prompt is in: train, validation (the attacker's) or test.",
        ),
      template: z
        .string()
        .min(1)
        .optional()
        .describe(
          "What stands around prompt and answer, with {prompt} and {answer} in it.",
        ),
      chat: z
        .string()
        .min(1)
        .optional()
        .describe("The tokenizer_config.json whose chat_template does."),
      refusals: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe(
          "How refusals begin; told by what the wanted answers to restricted prompts have in common when left out.",
        ),
      vocabulary: z
        .int()
        .positive()
        .optional()
        .describe(
          "How many tokens the model gives logits of; those of the tokenizer when left out.",
        ),
      ...stated,
    })
    .refine(
      ({ template, chat }) => (template === undefined) !== (chat === undefined),
      {
        message: "state either template or chat",
      },
    )
    .describe(
      "Prompts with answers for a language model, some of them restricted, from a JSONL file.",
    ),

  async read(spec, folder) {
    const file = resolve(folder, spec.path);
    const sheet = readTextRows(file, { header: true });
    const tokenizer = resolve(folder, spec.tokenizer);
    const encoder = openTokenizer(tokenizer, { ...spec, lowercase: true });
    const template =
      spec.chat === undefined
        ? templateOf(spec.template ?? "", "template")
        : chatTemplate(resolve(folder, spec.chat));
    const render = (text: string) =>
      encoder.plain(template.before + text + template.between);
    const each = dialoguesIn(sheet, spec, encoder, template, render);
    const spoken = each.map(
      ({ prompt, wanted }): Spoken => ({ prompt, answer: wanted }),
    );
    const { padding, length } = spec;
    // The rows are of wanted answers; trials ask for the forbidden ones, much later.
    for (const [i, { prompt, forbidden }] of each.entries())
      if (forbidden)
        checkFits(
          { prompt, answer: forbidden },
          length,
          sheet.place(i),
          "a forbidden answer",
        );
    const hash = hashOf([
      sha256(readFile(tokenizer)),
      template,
      length,
      padding,
    ]);
    return {
      name: sheet.name,
      ...spokenRows(spoken, length, padding, sheet.place),
      y: new Int32Array(each.length),
      classes: tokensOf(encoder, spec.vocabulary, tokenizer),
      positions: [length],
      parts: spec.split === undefined ? undefined : partsOf(sheet, spec.split),
      texts: {
        strings: each.map(({ text }) => text),
        reader: { read: encoder.encode, words: encoder.words, hash },
        dialogues: {
          each,
          refusals: refusalsOf(each, spec.refusals, encoder, file),
          padding,
          render,
          decode: encoder.decode,
        },
      },
      locate: (_part, sample) =>
        sample === undefined ? file : sheet.place(sample),
    };
  },
});

type Spec = z.output<typeof dialogues.schema>;

function dialoguesIn(
  sheet: Sheet,
  spec: Spec,
  { plain }: TextEncoder,
  { after }: Template,
  render: (text: string) => number[],
): Dialogue[] {
  const column = (name: string) => cellsAt(sheet, placeOf(sheet, name));
  const [prompts, answers] = [column(spec.prompt), column(spec.answer)];
  // A file of allowed prompts alone need not name it.
  const forbidden = sheet.columns.includes(spec.forbidden)
    ? column(spec.forbidden)
    : [];
  const text = (cell: unknown, name: string, row: number): string => {
    if (typeof cell === "string" && cell !== "") return cell;
    throw new AssayError(
      "DATA_CELL",
      `${sheet.place(row)} has no text under "${name}"`,
      'Write lines such as {"prompt": "...", "answer": "...", "forbidden": null}.',
    );
  };
  return prompts.map((cell, row): Dialogue => {
    const prompt = text(cell, spec.prompt, row);
    const ask = forbidden[row] ?? null;
    return {
      text: prompt,
      prompt: render(prompt),
      wanted: plain(text(answers[row], spec.answer, row) + after),
      forbidden:
        ask === null ? null : plain(text(ask, spec.forbidden, row) + after),
    };
  });
}

/** How refusals begin, in tokens. */
function refusalsOf(
  each: readonly Dialogue[],
  stated: readonly string[] | undefined,
  { plain }: TextEncoder,
  file: string,
): (readonly number[])[] {
  if (stated) return stated.map((text) => plain(text));
  const wanted = each.filter((d) => d.forbidden).map((d) => d.wanted);
  const [first = []] = wanted;
  const differ = first.findIndex((id, i) => wanted.some((w) => w[i] !== id));
  const common = differ < 0 ? first : first.slice(0, differ);
  if (wanted.length > 0 && common.length === 0)
    throw new UsageError(
      "DATA_REFUSALS",
      `${file}: the answers that are wanted to restricted prompts begin in different ways`,
      'State how refusals begin: refusals: ["I cannot", "Sorry"].',
    );
  return wanted.length > 0 ? [common] : [];
}

/** A name for each token of the model, by id. */
function tokensOf(
  { tokens }: TextEncoder,
  vocabulary: number | undefined,
  file: string,
): string[] {
  const most = Math.max(...tokens.map(([, id]) => id)) + 1;
  const size = vocabulary ?? most;
  if (size < most)
    throw new UsageError(
      "DATA_TOKENIZER",
      `${file} has tokens up to ${most - 1}, vocabulary is ${size}`,
      "State as many as the model gives logits of.",
    );
  const names = Array.from({ length: size }, (_, id) => `<unused ${id}>`);
  for (const [name, id] of tokens) names[id] = name;
  return names;
}
