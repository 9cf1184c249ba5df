import { basename, extname } from "node:path";
import type { Choices } from "./choices.ts";

/** The largest side of what the budgets of small images were made for. */
const SMALL = 64;

/** The first line of a suite, by which editors complete it. */
export const SCHEMA =
  "# yaml-language-server: $schema=./node_modules/assay/schema/suite-1.schema.json";

/**
 * A suite that audits models as they are, with comments.
 *
 * @param time what its works take, in words
 */
export function suiteText(choices: Choices, time: string): string {
  const { seen, models } = choices;
  const preset = presetFor(choices);
  return `${SCHEMA}
# Written by assay init, which looked at ${models[0]}: input [${seen.contract.shape.join(", ")}],
# ${seen.classes.length} outputs.
# ${time}
# assay plan shows what it comes to, and assay run runs it.

# Published threat models and attacks; whence they are: assay explain ${preset}
extends: ${preset}
version: 1
title: ${scalar(`Audit of ${models.map((file) => basename(file)).join(", ")}`)}
seed: 1

data: ${flow(dataOf(choices))}
# Test samples that are attacked. More make narrower intervals, and take longer.
samples: 100

# Models that are audited as they are. A base, and candidates that are fine-tuned from it:
# docs/suites.md
candidates:
${candidateLines(choices).join("\n")}

# What has to hold; the exit status of assay run says whether it does. Take a limit that the
# release needs, not the one that a run happened to measure.
gate:
  - cleanAccuracy: { min: 0.5 }
  # - robustAccuracy: { min: 0.4, threatModel: ${threatModelOf(preset)}, candidate: ${candidateNames(choices)[0]}, defense: none }
`;
}

function presetFor({ template, seen }: Choices): string {
  if (template !== "image") return `assay:${template}-standard`;
  const [, ...sides] = seen.contract.shape;
  return Math.max(...sides) > SMALL
    ? "assay:image-large"
    : "assay:image-standard";
}

const threatModelOf = (preset: string): string =>
  new Map([
    ["assay:image-standard", "linf-8"],
    ["assay:image-large", "linf-4"],
    ["assay:tabular-standard", "l2-0.5"],
  ]).get(preset) ?? "edits-1";

type Fields = readonly (readonly [string, string | undefined])[];

function dataOf({ template, data, seen, ...columns }: Choices): Fields {
  const path = scalar(data);
  if (/\.npz$/i.test(data))
    return [
      ["source", "npz"],
      ["path", path],
    ];
  const { label, text, tokenizer, units } = columns;
  const [first = 0, height, width] = seen.contract.shape;
  switch (template) {
    case "image":
      return [
        ["source", "image-folder"],
        ["path", path],
        ["size", height === width ? `${height}` : `[${height}, ${width}]`],
        ["channels", `${first}`],
      ];
    case "tabular":
      return [
        ["source", sourceOf(data)],
        ["path", path],
        ["delimiter", /\.tsv$/i.test(data) ? '"\\t"' : undefined],
        ["label", label && scalar(label)],
        ["units", units],
      ];
    case "text":
      return [
        ["source", "text"],
        ["path", path],
        ["text", text && scalar(text)],
        ["label", label && scalar(label)],
        ["tokenizer", tokenizer && scalar(tokenizer)],
        ["length", `${first}`],
      ];
  }
}

const sourceOf = (file: string): string =>
  /\.parquet$/i.test(file)
    ? "parquet"
    : /\.(arrow|feather)$/i.test(file)
      ? "arrow"
      : "csv";

const flow = (fields: Fields): string =>
  `{ ${fields
    .flatMap(([key, value]) =>
      value === undefined ? [] : [`${key}: ${value}`],
    )
    .join(", ")} }`;

/** Names that a suite takes, each once, by those of the files. */
function candidateNames({ models }: Choices): string[] {
  const names: string[] = [];
  for (const file of models) {
    const plain = basename(file, extname(file)).replace(/[^\w.-]+/g, "-");
    const name = /^[a-z]/i.test(plain) ? plain : `model-${plain}`;
    const count = names.filter((one) => one === name).length;
    names.push(count === 0 ? name : `${name}-${names.length + 1}`);
  }
  return names;
}

function candidateLines(choices: Choices): string[] {
  const { models, shape } = choices;
  const input = shape ? `, input: { shape: [${shape.join(", ")}] }` : "";
  return candidateNames(choices).map(
    (name, i) => `  ${name}: { model: ${scalar(models[i]!)}${input} }`,
  );
}

/** Text as YAML, in braces too; a reference to a variable stays text. */
function scalar(text: string): string {
  const escaped = text.replaceAll("${", "$${");
  return /^[A-Za-z_./][\w./-]*$/.test(escaped) &&
    !/^(true|false|null|yes|no)$/i.test(escaped)
    ? escaped
    : JSON.stringify(escaped);
}
