import type { Dataset } from "#data";
import type { Model } from "#model";
import type { FloatTensor } from "#onnx";
import {
  asPart,
  type JointAdaptation,
  type OpenPart,
  type TrainingContext,
  type TrainingSettings,
  trainingSettings,
} from "#tuning";
import type { CandidateSpec } from "../suite/index.ts";

/** How a candidate is trained, without all else that the suite says of it. */
export const trainingOf = (spec: CandidateSpec): TrainingSettings =>
  Object.fromEntries(
    Object.keys(trainingSettings).map((key) => [
      key,
      spec[key as keyof TrainingSettings],
    ]),
  ) as unknown as TrainingSettings;

/** What a candidate changes of plain training: its proactive defences, its adaptation, then what holds it near to the base. */
export function partsOf(
  { training = [], regularizer, adaptation }: CandidateSpec,
  { graph }: Model,
  target: Dataset,
): OpenPart[] {
  const start = (name: string) => {
    const value = graph.constants.get(name);
    return value?.type === "float32" ? (value as FloatTensor) : undefined;
  };
  return [
    ...training.map(asPart),
    ...(adaptation?.unit.kind === "joint"
      ? [joined(adaptation.unit, adaptation.params, target)]
      : []),
    ...(regularizer
      ? [
          (context: TrainingContext) =>
            regularizer.unit.open(regularizer.params, context, start),
        ]
      : []),
  ];
}

const joined =
  (
    unit: JointAdaptation,
    params: Record<string, unknown>,
    target: Dataset,
  ): OpenPart =>
  (context) =>
    unit.open(params, context, target);
