import type { Dataset } from "#data";
import type { Model } from "#model";
import type { FloatTensor } from "#onnx";
import { asPart, type OpenPart } from "#tuning";
import type { MemberCandidate, TunedCandidate } from "../suite/index.ts";

/**
 * What a candidate changes of plain training: its proactive defences, its adaptation,
 * then what holds it near to the base.
 */
export function partsOf(
  { training, regularizer, adaptation }: TunedCandidate | MemberCandidate,
  { graph }: Model,
  target: Dataset,
): OpenPart[] {
  const start = (name: string) => {
    const value = graph.constants.get(name);
    return value?.type === "float32" ? (value as FloatTensor) : undefined;
  };
  const parts = training.map(asPart);
  if (adaptation)
    parts.push((context) =>
      adaptation.unit.open(adaptation.params, context, target),
    );
  if (regularizer)
    parts.push((context) =>
      regularizer.unit.open(regularizer.params, context, start),
    );
  return parts;
}
