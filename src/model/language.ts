import { AssayError, logSumExp } from "#core";
import type { Engine } from "#engine";
import {
  type FloatTensor,
  filled,
  type Graph,
  normalise,
  prune,
  type Tensor,
  tensor,
  toFloat32,
  type ValueInfo,
} from "#onnx";
import { chooseInput, fillingOf, statedOf } from "./inputs.ts";
import { readGraph } from "./read.ts";

const STATED = statedOf({ task: { kind: "lm" } });

/** Tokens of one run: the logits of all of them are held at once. */
const TOKENS = 512;

/** A causal language model. */
export interface LanguageModel {
  /**
   * exp of the mean cross-entropy of the second token and every later one, given
   * those before it; 1 for less than two tokens. A graph of fixed length sees
   * no more of a text than that.
   */
  perplexities(texts: readonly (readonly number[])[]): Promise<number[]>;
  release(): Promise<void>;
}

/**
 * Opens an `.onnx` file that gives for token ids [N, length] the logits [N,
 * length, tokens] of the next one, as decoders are exported without their cache.
 *
 * @throws MODEL_INPUT, MODEL_OUTPUT, or what `readGraph` throws
 */
export async function openLanguageModel(
  file: string,
  engine: Engine,
): Promise<LanguageModel> {
  const whole = normalise(toFloat32(readGraph(file)));
  const output =
    whole.outputs.find(({ name }) => /logits/i.test(name)) ?? whole.outputs[0];
  if (!output) throw notLogits(file);
  const graph = prune({ ...whole, outputs: [output] });
  const ids = chooseInput(graph, STATED, file);
  const [batch, length] = ids.dims ?? [];
  const most = typeof length === "number" ? length : Infinity;
  if (typeof batch === "number" && batch !== 1)
    throw new AssayError(
      "MODEL_INPUT",
      `${file} takes ${batch} texts at once`,
      "Export it with a free batch dimension, or for one text.",
    );
  const session = await engine.load(graph);
  return {
    release: () => session.release(),
    async perplexities(texts) {
      const found = new Array<number>(texts.length).fill(1);
      const seen = texts.map((text) => text.slice(0, most));
      for (const group of alike(seen, batch === 1)) {
        const some = group.map((i) => seen[i] as readonly number[]);
        const width = Number.isFinite(most) ? most : (some[0]?.length ?? 0);
        const answers = await session.run(feeds(graph, ids, some, width, file));
        const logits = answers[output.name] as FloatTensor;
        const [n, positions] = logits.dims;
        if (
          logits.dims.length !== 3 ||
          n !== some.length ||
          positions !== width
        )
          throw notLogits(file);
        for (const [row, i] of group.entries())
          found[i] = perplexity(logits, row, some[row]!);
      }
      return found;
    },
  };
}

const notLogits = (file: string) =>
  new AssayError(
    "MODEL_OUTPUT",
    `${file} gives no logits of the next token [N, length, tokens]`,
    "Export a causal language model without its cache (use_cache=False).",
  );

/** Texts of the same length, at least two tokens, in groups that are run together. */
function alike(texts: readonly (readonly number[])[], one: boolean) {
  const byLength = new Map<number, number[]>();
  texts.forEach(({ length }, i) => {
    if (length > 1) byLength.set(length, [...(byLength.get(length) ?? []), i]);
  });
  return [...byLength].flatMap(([length, all]) => {
    const size = one ? 1 : Math.max(1, Math.floor(TOKENS / length));
    return Array.from({ length: Math.ceil(all.length / size) }, (_, k) =>
      all.slice(k * size, (k + 1) * size),
    );
  });
}

/** Every input of the graph. What comes behind a text is not looked at. */
function feeds(
  graph: Graph,
  ids: ValueInfo,
  texts: readonly (readonly number[])[],
  width: number,
  file: string,
): Record<string, Tensor> {
  const dims = [texts.length, width];
  const whole = (type: ValueInfo["type"], values: number[]) =>
    type === "int64"
      ? tensor(type, dims, BigInt64Array.from(values, BigInt))
      : tensor("int32", dims, Int32Array.from(values));
  const places = Array.from({ length: width }, (_, i) => i);
  const inputs = graph.inputs.map((input): [string, Tensor] => {
    if (input.name === ids.name) {
      const all = texts.flatMap((text) => places.map((i) => text[i] ?? 0));
      return [input.name, whole(input.type, all)];
    }
    const what = fillingOf(input, STATED, file);
    return what === "positions"
      ? [
          input.name,
          whole(
            input.type,
            texts.flatMap(() => places),
          ),
        ]
      : [input.name, filled(input.type, dims, what === "mask" ? 1 : what)];
  });
  return Object.fromEntries(inputs);
}

function perplexity(
  { data, dims }: FloatTensor,
  row: number,
  text: readonly number[],
): number {
  const [, positions = 0, tokens = 0] = dims;
  let total = 0;
  for (let i = 1; i < text.length; i++) {
    const from = (row * positions + i - 1) * tokens;
    const logits = data.subarray(from, from + tokens);
    total += logSumExp(logits) - logits[text[i]!]!;
  }
  return Math.exp(total / (text.length - 1));
}
