import type { Random } from "#core";
import { type CompiledModel, compile, layerGroups, type Model } from "#model";
import { copyOf } from "#onnx";
import {
  formOf,
  openPlainStep,
  strategies,
  type TrainingPart,
  type TrainingStep,
} from "#tuning";
import type { LanguageInput } from "./language.ts";

/** A released model that is trained on. */
export interface FurtherTraining {
  readonly step: TrainingStep;
  /** What stands over it. */
  readonly parts: readonly TrainingPart[];
  /**
   * The model as it is served after the steps so far, until the next step is taken.
   */
  served(): Promise<CompiledModel>;
  release(): Promise<void>;
}

/** How a released model is trained on. */
export interface Course {
  /** Rank of LoRA; all weights are trained where there is none. */
  readonly rank?: number | undefined;
  readonly batchSize: number;
  /** Dialogues that it learns from. */
  readonly samples: number;
  readonly steps: number;
}

const full = strategies.find(({ id }) => id === "full")!;
const lora = strategies.find(({ id }) => id === "lora")!;

/**
 * Opens the training of a released model on an attacker's data, by AdamW over all
 * weights or over LoRA's, behind whatever guards it.
 */
export async function openTraining(
  { model, engine, guard }: Omit<LanguageInput<unknown>, "params">,
  { rank, batchSize, samples, steps }: Course,
  random: Random,
): Promise<FurtherTraining> {
  const groups = layerGroups(model.graph);
  const form = formOf(
    rank === undefined
      ? { unit: full, params: {} }
      : { unit: lora, params: lora.params.parse({ rank }) },
    model,
    groups,
    random.fork("lora"),
  );
  // The tokens' head is not new, and LoRA adapts what is before it.
  const trained = rank === undefined ? form.groups : form.groups.slice(0, -1);
  const names = trained.flatMap((group) => group.parameters);
  const parts = (guard?.parts ?? []).map((open, i) =>
    open({
      model: form.model,
      engine,
      trained: names,
      samples,
      batchSize,
      steps,
      stepsPerEpoch: Math.ceil(samples / batchSize),
      own: guard?.own,
      random: random.fork(`guard ${i}`),
    }),
  );
  const step = await openPlainStep(form.model, engine, {
    parts,
    weights: names,
  });
  let live: CompiledModel | undefined;
  return {
    step,
    parts,
    async served() {
      if (!guard?.restore) {
        live ??= await compile(form.model, engine, { weights: step.weights });
        return live;
      }
      await live?.release();
      const constants = new Map(form.model.graph.constants);
      for (const [name, weight] of step.weights)
        constants.set(name, copyOf(weight));
      const { graph } = form.model;
      const now: Model = { ...form.model, graph: { ...graph, constants } };
      const restored = await guard.restore(form.restore(now, now));
      live = await compile(restored, engine);
      return live;
    },
    async release() {
      await live?.release();
      await step.release();
    },
  };
}
