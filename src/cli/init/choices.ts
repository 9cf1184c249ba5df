import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { AssayError, UsageError } from "#core";
import { loadModel, type Model } from "#model";
import { tryModel } from "../first-run.ts";
import type { Ask } from "./ask.ts";
import { headerOf } from "./header.ts";
import type { Found } from "./look.ts";

export const templates = ["image", "tabular", "text"] as const;

export type Template = (typeof templates)[number];

/** What the command line says; the rest is told by the files, or asked. */
export interface Stated {
  readonly template?: Template;
  readonly model?: readonly string[];
  readonly data?: string;
  readonly label?: string;
  readonly text?: string;
  readonly tokenizer?: string;
  readonly units?: string;
  readonly shape?: readonly number[];
}

/** A suite of models that are there. Paths are relative to its folder. */
export interface Choices extends Pick<Stated, "shape" | "units"> {
  readonly template: Template;
  readonly models: readonly string[];
  readonly data: string;
  readonly label?: string;
  readonly text?: string;
  readonly tokenizer?: string;
  /** What the first of the models is like. */
  readonly seen: Pick<Model, "contract" | "classes">;
}

/**
 * What a suite is to be about: of files in a folder those that are stated, or alone
 * of their kind, or chosen by who is asked. Models are opened within the limits of a
 * first run.
 *
 * @throws INIT_*, and what a model is refused with
 */
export async function chooseFrom(
  folder: string,
  found: Found,
  stated: Stated,
  ask: Ask,
): Promise<Choices> {
  const models = stated.model ?? [
    await ask.choose(
      "Which model is to be audited?",
      found.models.map((value) => ({ value })),
      "--model <file>",
    ),
  ];
  for (const file of models) await openable(folder, file, stated.shape);
  const path = join(folder, models[0]!);
  const seen = await loadModel(path, { input: inputOf(stated.shape) });
  const template = stated.template ?? templateOf(seen, models[0]!);
  const data =
    stated.data ??
    (await ask.choose(
      `Which data? The input of ${models[0]} is ${inWords(seen)}.`,
      dataFor(template, found).map((value) => ({ value })),
      "--data <path>",
    ));
  if (!existsSync(join(folder, data)))
    throw new UsageError(
      "INIT_DATA",
      `${data} is not there`,
      "Paths are taken from the folder that assay init writes into.",
    );
  const columns =
    template === "image"
      ? {}
      : await columnsOf(folder, data, template, stated, ask);
  const tokenizer =
    template === "text"
      ? (stated.tokenizer ??
        (await ask.choose(
          "Which tokenizer?",
          found.tokenizers.map((value) => ({ value })),
          "--tokenizer <file>",
        )))
      : undefined;
  const { shape, units } = stated;
  return { template, models, data, shape, units, tokenizer, seen, ...columns };
}

export const inputOf = (shape: readonly number[] | undefined) =>
  shape === undefined ? undefined : { shape: [...shape] };

/** Opens a model in a process that it may break. */
async function openable(
  folder: string,
  file: string,
  shape: Stated["shape"],
): Promise<void> {
  const path = join(folder, file);
  try {
    await tryModel(path, { input: inputOf(shape) }, false);
    await loadModel(path, { input: inputOf(shape) });
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "MODEL_INPUT")
      throw error;
    throw new UsageError(
      "INIT_SHAPE",
      error.message,
      "State the shape of one sample: --shape 3,224,224 of an image, --shape 128 of token ids.",
      { cause: error },
    );
  }
}

/** What kind of data a model takes, by its input. */
function templateOf(model: Model, file: string): Template {
  if (model.embedding !== undefined) return "text";
  const { length } = model.contract.shape;
  if (length === 3) return "image";
  if (length === 1) return "tabular";
  throw new UsageError(
    "INIT_KIND",
    `${file} takes ${inWords(model)}, which is no image, row or text`,
    "Write the suite by hand, with data of source npz, or state --template.",
  );
}

const inWords = ({ contract }: Pick<Model, "contract">): string =>
  `[${contract.shape.join(", ")}]`;

const dataFor = (template: Template, found: Found): string[] =>
  ({
    image: [...found.images, ...found.arrays],
    tabular: [
      ...found.tables.filter((name) => !/\.jsonl$/i.test(name)),
      ...found.arrays,
    ],
    text: found.tables.filter((name) => /\.(csv|tsv|jsonl)$/i.test(name)),
  })[template];

const LABELS = ["label", "labels", "target", "class", "y"];

const TEXTS = ["text", "sentence", "review", "content", "comment"];

/** The columns that hold what is right, and texts. */
async function columnsOf(
  folder: string,
  data: string,
  template: Template,
  stated: Stated,
  ask: Ask,
): Promise<Pick<Choices, "label" | "text">> {
  const path = join(folder, data);
  if (/\.npz$/i.test(data) || !statSync(path).isFile()) return {};
  const names = await headerOf(path);
  const column = async (
    known: readonly string[],
    question: string,
    flag: string,
    not?: string,
  ) =>
    names.find((name) => known.includes(name.toLowerCase())) ??
    (await ask.choose(
      question,
      names.filter((name) => name !== not).map((value) => ({ value })),
      flag,
    ));
  const label =
    stated.label ??
    (await column(
      LABELS,
      `Which column of ${data} is the label?`,
      "--label <column>",
    ));
  if (template !== "text") return { label };
  const text =
    stated.text ??
    (await column(
      TEXTS,
      `Which column of ${data} is the text?`,
      "--text <column>",
      label,
    ));
  return { label, text };
}
