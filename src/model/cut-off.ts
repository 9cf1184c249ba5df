import { UsageError } from "#core";
import { GraphBuilder, int, prune, sizeOf } from "#onnx";
import { cutNamed, cutsOf } from "./cuts.ts";
import { headInput } from "./head.ts";
import type { Model } from "./model.ts";

/**
 * Where features are taken: behind a layer group, at a value of the graph, or at
 * a share of the way through the places where the model can be cut, from 0, the
 * first, to 1, the last. What its head reads when left out, and where a model is
 * nothing but its head.
 */
export type CutPlace = string | number | undefined;

/**
 * What a model computes at a cut, as a model of values: all of the numbers of
 * each sample side by side [N, width], not averaged over pixels as a new head
 * reads them.
 *
 * @throws CUT_UNKNOWN, CUT_SHAPE, HEAD_UNKNOWN
 */
export function cutOff(model: Model, place: CutPlace): Model {
  const value = valueAt(model, place);
  const b = new GraphBuilder(model.graph, "features/");
  const dims = b.dims(value)?.slice(1) ?? [];
  if (!dims.every((d) => typeof d === "number")) {
    throw new UsageError(
      "CUT_SHAPE",
      `the value "${value}" has shape [${["batch", ...dims].join(", ")}], expected one whose features can be counted`,
      "Cut the model at another place; `assay inspect` lists them.",
    );
  }
  const features = b.op("Flatten", [value], { axis: int(1) });
  const {
    task: _task,
    heads: _heads,
    detectors: _detectors,
    features: _features,
    ...rest
  } = model;
  return {
    ...rest,
    graph: prune(b.build([features])),
    logits: features,
    classes: Array.from({ length: sizeOf(dims) }, (_, i) => `f${i}`),
    // Nobody judges features; only their distances are asked for.
    task: { kind: "regression", tolerance: 1 },
  };
}

function valueAt(model: Model, place: CutPlace): string {
  const { graph } = model;
  if (place === undefined) return headInput(model);
  const cuts = cutsOf(graph);
  if (typeof place === "number")
    return (
      cuts[Math.round(place * (cuts.length - 1))]?.value ?? headInput(model)
    );
  return cutNamed(graph, place);
}
