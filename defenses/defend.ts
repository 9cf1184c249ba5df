import { AssayError } from "#core";
import type { Model, NoiseInput } from "#model";
import { BATCH, type Graph, GraphBuilder, int, prepend } from "#onnx";
import type { ChosenSanitizer, Parts } from "./sanitizer.ts";

/**
 * The model behind its sanitizers, the first in the list nearest the input.
 * The result is an ordinary model: it can be attacked, saved and run anywhere.
 *
 * @throws DEFENSE_FIT for a sanitizer that has to be fitted and was not
 */
export function defend(
  model: Model,
  sanitizers: readonly ChosenSanitizer[],
): Model {
  // Each is put before what is already there, so the last goes first.
  return [...sanitizers].reverse().reduce(putInFront, model);
}

function putInFront(model: Model, chosen: ChosenSanitizer): Model {
  const { unit, params } = chosen;
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
    ...(noise.length > 0 ? { noise } : {}),
  };
}

/** @param noise gets what is drawn */
function partsOf(
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

/** The model over rows that are the versions of each sample, one after the other; its logits are the mean over them. */
function averaged(model: Model, views: number): Model {
  const { noise = [], classes, logits } = model;
  const inside = noise.reduce(
    (graph, { name, dims }) => perView(graph, name, dims, views),
    model.graph,
  );
  const b = new GraphBuilder(inside, "views/");
  const each = b.reshape(logits, [-1, views, classes.length]);
  const mean = b.op("ReduceMean", [each, b.ints([1])], { keepdims: int(0) });
  return {
    ...model,
    graph: b.build([mean]),
    logits: mean,
    ...(model.noise
      ? { noise: noise.map((n) => ({ ...n, dims: [views, ...n.dims] })) }
      : {}),
  };
}

/** What is drawn for each row behind the versions is drawn for each version of each sample. */
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
