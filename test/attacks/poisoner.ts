import {
  type Poison,
  type PoisoningInput,
  type TrialAttack,
  trialAttacks,
} from "#attacks";
import { Random } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import { type Model, openFeatures } from "#model";
import { emptyGraph, floats, GraphBuilder, int } from "#onnx";

type Unit = TrialAttack & { poison(input: unknown): Promise<Poison> };

/** Runs a poisoning whose attacker holds one model, as base and as surrogate. */
export async function poisonOf(
  id: string,
  model: Model,
  train: Dataset,
  {
    count,
    params = {},
    seed = 1,
    aim,
    bounds = [0, 1],
  }: {
    count: number;
    params?: Record<string, unknown>;
    seed?: number;
    aim?: { x: Dataset["x"]; to: number };
    bounds?: readonly [number, number];
  },
): Promise<Poison> {
  const unit = trialAttacks.find((a) => a.id === id) as Unit;
  const map = await openFeatures(model, onnxruntime);
  const input: PoisoningInput<Record<string, unknown>> = {
    train,
    count,
    params: unit.params.parse(params),
    random: new Random(seed),
    engine: onnxruntime,
    bounds,
    features: async () => map,
    surrogate: async () => model,
    onProgress: () => {},
  };
  const poison = await unit.poison({ ...input, aim });
  await map.release();
  return poison;
}

/** A linear classifier behind linear features: logits = head F x. */
export function twoLayers(
  f: readonly (readonly number[])[],
  head: readonly (readonly number[])[],
): Model {
  const b = new GraphBuilder(emptyGraph("two-layers"));
  const width = f[0]?.length ?? 0;
  b.input({ name: "input", type: "float32", dims: ["batch", width] });
  const layer = (
    x: string,
    rows: readonly (readonly number[])[],
    name: string,
  ) =>
    b.op(
      "Gemm",
      [
        x,
        b.constant(
          floats([rows.length, rows[0]?.length ?? 0], rows.flat()),
          `${name}.weight`,
        ),
        b.constant(
          floats([rows.length], new Float32Array(rows.length)),
          `${name}.bias`,
        ),
      ],
      { transB: int(1) },
      name,
    );
  const logits = layer(layer("input", f, "body"), head, "head");
  return {
    graph: b.build([logits]),
    input: "input",
    logits,
    contract: { shape: [width], bounds: [0, 1] },
    classes: head.map((_, k) => `c${k}`),
    straightThrough: [],
  };
}
