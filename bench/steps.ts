import { Random } from "#core";
import { type Engine, onnxruntime } from "#engine";
import {
  compile,
  divide,
  type Input,
  type LayerGroup,
  layerGroups,
  type Model,
} from "#model";
import { floats, int64s } from "#onnx";
import { formOf, openStep, optimizers, strategies } from "#tuning";
import { multiplyAdds } from "./floor.ts";
import type { Subject } from "./models/index.ts";

/** What is timed, in the words of the peer. */
export const modes = ["forward", "attack", "training", "half"] as const;
/**
 * With three more: low-rank adaptation of the body, the head alone, and "half" from
 * what its frozen part makes of samples, as a training has it from its second epoch on.
 */
export const allModes = [...modes, "kept", "lora", "head"] as const;
export type Mode = (typeof allModes)[number];

/** Something to time. */
export interface Step {
  run(): Promise<unknown>;
  release(): Promise<void>;
}

/**
 * Makes one kind of step of a model ready. "half" trains the upper half of the weights,
 * "lora" a low-rank product beside every matrix and the head, "head" the head alone.
 */
export async function stepOf(
  subject: Subject,
  mode: Mode,
  engine: Engine = onnxruntime,
): Promise<Step> {
  const model = subject.build();
  const x = samples(subject);
  const y = Int32Array.from({ length: subject.batch }, (_, i) => i % 2);
  if (mode === "forward" || mode === "attack") {
    const compiled = await compile(model, engine);
    return {
      run: () =>
        mode === "forward" ? compiled.logits(x) : compiled.lossGradient(x, y),
      release: () => compiled.release(),
    };
  }
  const { model: trained, names } = trainedBy(model, mode);
  if (mode !== "kept") return training(trained, names, x, y, engine);
  const divided = divide(trained, names);
  if (!divided) throw new Error(`${subject.name} has no frozen part to keep`);
  const { rest, shape } = divided;
  const kept = samples({ batch: subject.batch, shape });
  return training(rest, names, kept, y, engine);
}

function samples({
  batch,
  shape,
  vocabulary,
}: Pick<Subject, "batch" | "shape" | "vocabulary">): Input {
  const random = new Random(2);
  const size = batch * shape.reduce((p, d) => p * d, 1);
  const dims = [batch, ...shape];
  return vocabulary
    ? int64s(
        Array.from({ length: size }, () => random.below(vocabulary)),
        dims,
      )
    : floats(
        dims,
        Float32Array.from({ length: size }, () => random.uniform()),
      );
}

async function training(
  model: Model,
  names: readonly string[],
  x: Input,
  y: Int32Array,
  engine: Engine,
): Promise<Step> {
  const unit = optimizers.find((o) => o.id === "sgd");
  if (!unit) throw new Error("sgd is one of the optimisers");
  const params = unit.params.parse({ momentum: 0.9, weightDecay: 0 });
  const step = await openStep(
    model,
    new Map(names.map((n) => [n, 1])),
    {
      settings: {
        optimizer: { unit, params },
        clipNorm: null,
        batchNorm: "frozen",
      },
    },
    engine,
  );
  return {
    run: () => step.take({ x, y }, 1e-4),
    release: () => step.release(),
  };
}

/** The model in the form in which it is trained, and what of it is. */
function trainedBy(
  model: Model,
  mode: Mode,
): { model: Model; names: readonly string[] } {
  const groups = layerGroups(model.graph);
  const named = (some: readonly LayerGroup[]) =>
    some.flatMap((g) => g.parameters);
  if (mode === "head") return { model, names: named(groups.slice(-1)) };
  if (mode === "lora") {
    const unit = strategies.find((s) => s.id === "lora");
    if (!unit) throw new Error("lora is one of the strategies");
    const chosen = { unit, params: unit.params.parse({}) };
    const form = formOf(chosen, model, groups, new Random(3));
    return { model: form.model, names: named(form.groups) };
  }
  const all = named(groups);
  const isHalf = mode === "half" || mode === "kept";
  const from = isHalf ? Math.floor(all.length / 2) : 0;
  return { model, names: all.slice(from) };
}

/**
 * Multiply-adds that a step cannot do without: one pass forward, one back to the input,
 * one back to the weights.
 */
export function multiplyAddsOf(subject: Subject, mode: Mode): number {
  const model = subject.build();
  const { graph } = model;
  const forward = multiplyAdds(graph, subject.batch);
  if (mode === "forward") return forward;
  if (mode === "attack") return 2 * forward;
  const names = new Set(trainedBy(model, mode).names);
  const lowest = graph.nodes.findIndex((n) =>
    n.inputs.some((i) => names.has(i)),
  );
  const above = graph.nodes.slice(lowest);
  return forward + 2 * multiplyAdds(graph, subject.batch, above);
}

/** Median milliseconds of a step. */
export async function time(
  step: Step,
  warm: number,
  repeats: number,
): Promise<number> {
  for (let i = 0; i < warm; i++) await step.run();
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await step.run();
    times.push(performance.now() - start);
  }
  return median(times);
}

export const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[values.length >> 1]!;
