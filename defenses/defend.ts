import { AssayError, type Chosen, UsageError } from "#core";
import { type Model, type NoiseInput, outputsOf } from "#model";
import { BATCH, type Graph, GraphBuilder, int, prepend } from "#onnx";
import {
  type ChosenDefense,
  isDetector,
  isTextSanitizer,
  type Reactive,
} from "./kinds.ts";
import type { ChosenSanitizer, Parts } from "./sanitizer.ts";
import { answerBy, watch } from "./watch.ts";

/**
 * The model behind its sanitizers and detectors, the first in the list nearest the
 * input. The result is an ordinary model: it can be attacked, saved and run anywhere. A
 * detector looks at the input that reaches it by the bare model. What follows in the
 * list is what answers.
 *
 * @throws DEFENSE_INPUT for a sanitizer of texts, or of numbers before a text model;
 *   DEFENSE_FIT for a part that has to be fitted and was not; DEFENSE_ORDER for a
 *   detector that sanitises by nothing, or by another detector
 */
export function defend(
  model: Model,
  defenses: readonly ChosenDefense[],
): Model {
  const [first, ...rest] = defenses;
  if (!first) return model;
  if (isTextSanitizer(first))
    throw new UsageError(
      "DEFENSE_INPUT",
      `${first.unit.id} works on strings, which no .onnx takes`,
      "Audit it by a suite with data of source: text, and apply it where the model is used.",
    );
  if (!isDetector(first)) return putInFront(defend(model, rest), first);
  checkOrder(defenses);
  // Detectors beside each other share one model.
  if (rest.every(isDetector)) return watch(defend(model, rest), first, model);
  return answerBy(watch(model, first, model), defend(model, rest));
}

/**
 * Refuses a defence whose parts do not work in their order.
 *
 * @throws DEFENSE_ORDER, see `defend`
 */
export function checkOrder(defenses: readonly Chosen<Reactive>[]): void {
  for (const [i, { unit, params }] of defenses.entries()) {
    if (unit.kind !== "detector" || params.policy !== "sanitise") continue;
    const rest = defenses.slice(i + 1);
    const another = rest.some((part) => part.unit.kind === "detector");
    if (rest.length > 0 && !another) continue;
    throw new UsageError(
      "DEFENSE_ORDER",
      `the detector ${unit.id} is to sanitise what it flags, and is followed by ${another ? "another detector" : "nothing"}`,
      "Let sanitizers follow it, and no other detector.",
    );
  }
}

function putInFront(model: Model, chosen: ChosenSanitizer): Model {
  const { unit, params } = chosen;
  if (model.embedding)
    throw new UsageError(
      "DEFENSE_INPUT",
      `${unit.id} changes numbers, and the input "${model.input}" is of token ids`,
      "Repair texts before they become tokens: by unicode, spelling or onion, which a suite can name.",
    );
  const views = unit.views?.(params) ?? 1;
  const inner = views === 1 ? model : averaged(model, views);
  const { input, contract, straightThrough } = inner;
  const noise = [...(inner.noise ?? [])];
  const { graph, value } = prepend(
    inner.graph,
    input,
    `defense/${unit.id}/`,
    (b, x) => {
      const made = unit.build(b, x, params, model, partsOf(b, chosen, noise));
      return views === 1 ? made : b.reshape(made, [-1, ...contract.shape]);
    },
  );
  // Inside, what was read from the input is now read from the sanitizer.
  const moved = straightThrough.map((s) =>
    s.input === input ? { ...s, input: value } : s,
  );
  const passed = unit.gradient === "exact" ? [] : [{ input, output: value }];
  return {
    ...inner,
    graph,
    straightThrough: [...moved, ...passed],
    noise: noise.length > 0 ? noise : undefined,
  };
}

/** @param noise gets what is drawn */
export function partsOf(
  b: GraphBuilder,
  { unit, fitted }: ChosenSanitizer,
  noise: NoiseInput[],
): Parts {
  return {
    fitted(name) {
      const found = fitted?.get(name);
      if (found) return found;
      throw new AssayError(
        "DEFENSE_FIT",
        `${unit.id} has to be fitted to the model's data before it is put in front of it`,
        "Audit it by a suite, or give `assay harden` the suite whose data it is to be fitted on: --suite.",
      );
    },
    draw(distribution, dims) {
      const name = `noise.${noise.length}.${unit.id}`;
      noise.push({ name, distribution, dims });
      return b.input({ name, type: "float32", dims: [BATCH, ...dims] });
    },
  };
}

/**
 * The model over rows that are the versions of each sample, one after the other; its
 * logits and scores are the mean over them.
 */
function averaged(model: Model, views: number): Model {
  const { noise = [], logits, detectors } = model;
  const inside = noise.reduce(
    (graph, { name, dims }) => perView(graph, name, dims, views),
    model.graph,
  );
  const b = new GraphBuilder(inside, "views/");
  const each = b.reshape(logits, [-1, views, outputsOf(model)]);
  const mean = (rows: string) =>
    b.op("ReduceMean", [rows, b.ints([1])], { keepdims: int(0) });
  const means = mean(each);
  const watching = detectors?.map((detector) => ({
    ...detector,
    score: mean(b.reshape(detector.score, [-1, views])),
  }));
  return {
    ...model,
    graph: b.build([means, ...(watching ?? []).map((d) => d.score)]),
    logits: means,
    detectors: watching,
    noise: model.noise
      ? noise.map((n) => ({ ...n, dims: [views, ...n.dims] }))
      : undefined,
  };
}

/**
 * What is drawn for each row behind the versions is drawn for each
 * version of each sample.
 */
function perView(
  graph: Graph,
  name: string,
  dims: readonly number[],
  views: number,
): Graph {
  const inputs = graph.inputs.map((info) =>
    info.name === name ? { ...info, dims: [BATCH, views, ...dims] } : info,
  );
  return prepend({ ...graph, inputs }, name, "views/", (b, x) =>
    b.reshape(x, [-1, ...dims]),
  ).graph;
}
