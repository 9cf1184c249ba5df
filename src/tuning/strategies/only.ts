import { UsageError } from "#core";
import type { LayerGroup, Model } from "#model";
import { type Graph, sizeOf, type Tensor } from "#onnx";
import type { Form } from "./strategy.ts";

const normalisations: ReadonlySet<string> = new Set([
  "BatchNormalization",
  "LayerNormalization",
  "GroupNormalization",
  "InstanceNormalization",
  "RMSNormalization",
]);

/** The input of an operator that is its bias. */
const biasSlots: Readonly<Record<string, number>> = {
  Conv: 2,
  ConvTranspose: 2,
  Gemm: 2,
  LSTM: 3,
  GRU: 3,
  RNN: 3,
};

/** What a constant is to the operators that read it. */
const roles = {
  /**
   * Added to what a layer gives, for each channel or feature; shifts of
   * normalisation layers too.
   */
  bias: (graph: Graph, name: string) =>
    reads(graph, name, ({ op }, slot) =>
      op === "Add"
        ? isVector(graph.constants.get(name) as Tensor)
        : normalisations.has(op)
          ? slot === 2
          : biasSlots[op] === slot,
    ),
  normalisation: (graph: Graph, name: string) =>
    reads(graph, name, ({ op }, slot) => normalisations.has(op) && slot <= 2),
} as const;

/**
 * Leaves of every layer group but the head the weights of one role. Groups that
 * have none are gone.
 *
 * @param strategy id, for the message
 * @throws STRATEGY_GROUPS when nothing is left
 */
export function onlyParameters(
  strategy: string,
  role: keyof typeof roles,
  model: Model,
  groups: readonly LayerGroup[],
): Form {
  const { graph } = model;
  const body = groups.slice(0, -1).flatMap((group): LayerGroup[] => {
    const parameters = group.parameters.filter((p) => roles[role](graph, p));
    const size = parameters.reduce(
      (sum, p) => sum + sizeOf((graph.constants.get(p) as Tensor).dims),
      0,
    );
    return parameters.length > 0 ? [{ ...group, parameters, size }] : [];
  });
  if (body.length === 0) {
    throw new UsageError(
      "STRATEGY_GROUPS",
      `strategy "${strategy}" finds no ${role} weights before the head`,
      "Exporters fold batch normalisation into convolutions: export in training mode, or choose another strategy.",
    );
  }
  return {
    model,
    groups: [...body, ...groups.slice(-1)],
    restore: (tuned) => tuned,
  };
}

const reads = (
  { nodes }: Graph,
  name: string,
  asked: (node: Graph["nodes"][number], slot: number) => boolean,
) =>
  nodes.some((node) =>
    node.inputs.some((input, slot) => input === name && asked(node, slot)),
  );

/**
 * One number for each channel or feature, whatever it is broadcast to; tables of
 * positions are not.
 */
const isVector = ({ dims }: Tensor) => dims.filter((d) => d !== 1).length <= 1;
