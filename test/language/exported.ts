import { readdirSync, readFileSync } from "node:fs";
import { packagePath } from "#core";
import { loadModel, type Model } from "#model";
import type { FloatTensor, Tensor } from "#onnx";
import { decode, type Encoded } from "../exported.ts";

/** What torch says of a language model that it exported. */
export interface ExportedLanguageModel {
  readonly file: string;
  readonly ids: FloatTensor;
  /** The next token where it is one of the answer, else -1. */
  readonly targets: FloatTensor;
  /** [N, length, tokens] */
  readonly logits: FloatTensor;
  /** Of each text. */
  readonly loss: FloatTensor;
  /** The gradient of the mean loss, by the name of the weight. */
  readonly gradients: ReadonlyMap<string, FloatTensor>;
}

const folder = packagePath("test/fixtures/language");

export const languageModels = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length));

export function readLanguageModel(name: string): ExportedLanguageModel {
  const { weights, ids, ...recorded } = JSON.parse(
    readFileSync(`${folder}/${name}.json`, "utf8"),
  ) as Record<"ids" | "targets" | "logits" | "loss", Encoded> & {
    readonly weights: Readonly<Record<string, Encoded>>;
  };
  const floats = (encoded: Encoded) => decode(encoded) as FloatTensor;
  const { dims, data } = decode(ids) as Tensor<"int64">;
  return {
    file: `${folder}/${name}.onnx`,
    ids: { type: "float32", dims, data: Float32Array.from(data, Number) },
    targets: floats(recorded.targets),
    logits: floats(recorded.logits),
    loss: floats(recorded.loss),
    gradients: new Map(
      Object.entries(weights).map(([weight, g]) => [weight, floats(g)]),
    ),
  };
}

/** Opened as a suite opens it. Its prompts have the token that fills up in them. */
export const openLanguageModel = ({
  file,
  ids,
}: ExportedLanguageModel): Promise<Model> =>
  loadModel(file, {
    task: { kind: "lm" },
    input: { shape: ids.dims.slice(1), padding: 2 },
  });
