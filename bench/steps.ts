import { Random } from "#core";
import { onnxruntime, type Session } from "#engine";
import { compile, labelTensor, layerGroups, type Model } from "#model";
import { type FloatTensor, filled, floats, int64s, type Tensor } from "#onnx";
import { optimizers } from "#tuning";
import { stepGraph } from "../src/tuning/step-graph.ts";
import type { Subject } from "./models/index.ts";

/** What is timed, in the words of the peer. */
export const modes = ["forward", "attack", "training", "half"] as const;
export type Mode = (typeof modes)[number];

/** Something to time. */
export interface Step {
  run(): Promise<unknown>;
  release(): Promise<void>;
}

/** Makes one kind of step of a model ready. "half" trains the upper half of the weights. */
export async function stepOf(subject: Subject, mode: Mode): Promise<Step> {
  const model = subject.build();
  const x = samples(subject);
  const y = Array.from({ length: subject.batch }, (_, i) => i % 2);
  if (mode === "forward" || mode === "attack") {
    const compiled = await compile(model, onnxruntime);
    return {
      run: () =>
        mode === "forward" ? compiled.logits(x) : compiled.lossGradient(x, y),
      release: () => compiled.release(),
    };
  }
  return training(model, x, y, mode === "half");
}

function samples({ batch, shape, vocabulary }: Subject) {
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
  x: Tensor,
  y: readonly number[],
  upperHalf: boolean,
): Promise<Step> {
  const all = layerGroups(model.graph).flatMap((g) => g.parameters);
  const names = upperHalf ? all.slice(Math.floor(all.length / 2)) : all;
  const unit = optimizers.find((o) => o.id === "sgd");
  if (!unit) throw new Error("sgd is one of the optimisers");
  const params = unit.params.parse({ momentum: 0.9, weightDecay: 0 });
  const step = stepGraph(
    model,
    new Map(names.map((n) => [n, 1])),
    { unit, params },
    { clipNorm: null, batchNorm: "frozen" },
  );
  const session: Session = await onnxruntime.load(step.graph);
  const feeds: Record<string, Tensor> = {
    [model.input]: x,
    [step.labels]: labelTensor(y),
    [step.rate]: filled("float32", [], 1e-4),
    ...Object.fromEntries(
      unit
        .scalars(1, params)
        .map((v, i) => [step.scalars[i] as string, filled("float32", [], v)]),
    ),
  };
  for (const [name, { state }] of step.weights) {
    const weight = model.graph.constants.get(name) as FloatTensor;
    feeds[name] = weight;
    for (const s of state) feeds[s] = filled("float32", weight.dims, 0);
  }
  return {
    async run() {
      const outputs = await session.run(feeds);
      for (const [name, w] of step.weights) {
        feeds[name] = outputs[w.next] as Tensor;
        w.state.forEach((s, i) => {
          feeds[s] = outputs[w.nextState[i] as string] as Tensor;
        });
      }
    },
    release: () => session.release(),
  };
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
  [...values].sort((a, b) => a - b)[values.length >> 1] as number;
