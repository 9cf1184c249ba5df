import type { Engine } from "#engine";
import { gradientRows, loadGradient, type Model } from "#model";
import { type FloatTensor, floats } from "#onnx";
import { criterionOf, lossGraph } from "./loss-graph.ts";
import type { Batch, TrainingPart } from "./part.ts";
import { feedsOf, partOf, type TrainingStep } from "./step.ts";

/**
 * The gradient of each sample's criterion with respect to it, while a model is trained.
 */
export interface Slope {
  /** In the shape of x. */
  at(batch: Batch): Promise<FloatTensor>;
  release(): Promise<void>;
}

/**
 * What training lowers, as an attacker raises it: the criterion of the parts, at the
 * weights as they are. Nothing is loaded before it is asked for.
 */
export function openSlope(
  model: Model,
  weights: TrainingStep["weights"],
  parts: readonly TrainingPart[],
  engine: Engine,
): Slope {
  const open = async () => {
    const criterion = criterionOf(parts, model);
    const names = [...weights.keys()];
    const step = lossGraph(model, names, "frozen", [{ criterion }], engine);
    const { loss: of, straightThrough } = step;
    const wrt = [model.input];
    const loaded = await loadGradient(engine, step.graph, {
      of,
      wrt,
      straightThrough,
    });
    const most = gradientRows(step.graph, engine, loaded.graph);
    return { ...loaded, step, most };
  };
  let opened: ReturnType<typeof open> | undefined;
  return {
    async at(batch) {
      opened ??= open();
      const { session, gradients, step, most } = await opened;
      const found = new Float32Array(batch.x.data.length);
      const width = found.length / batch.y.length;
      for (let from = 0; from < batch.y.length; from += most) {
        const part = partOf(batch, from, Math.min(batch.y.length, from + most));
        const outputs = await session.run({
          ...feedsOf(model, step, part),
          ...Object.fromEntries(weights),
        });
        const { data } = outputs[
          gradients.get(model.input) as string
        ] as FloatTensor;
        // The loss is the mean over the rows.
        for (let i = 0; i < data.length; i++)
          found[from * width + i] = data[i]! * part.y.length;
      }
      return floats(batch.x.dims, found);
    },
    async release() {
      await (await opened?.catch(() => undefined))?.session.release();
    },
  };
}
