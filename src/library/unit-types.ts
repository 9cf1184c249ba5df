// What signatures of assay/units name besides, for who writes such types down. What
// models, graphs and tables are made of stands in assay.
export type { Measure, Part } from "#attacks";
export type {
  AlongSteps,
  Asked,
  AttackProbes,
  Averaged,
  BrokenControl,
  ByOtherMeans,
  Drawn,
  Guesswork,
  JumpAtBoundary,
  Longer,
  ModelProbes,
  Replay,
  Replays,
  Ruling,
  Tries,
  Untried,
} from "#audit";
export type { LossName } from "#autodiff";
export type { Locate, SourceSchema } from "#data";
export type {
  Fit,
  Outside,
  ReactiveDefense,
  RepairInput,
  RepairMeta,
} from "#defenses";
export type {
  Differentiated,
  Feeds,
  GradientRequest,
  LoadOptions,
  Session,
  StraightPart,
} from "#engine";
export type {
  CompiledModel,
  CutPlace,
  Draws,
  FeaturesAt,
  Input,
  Objective,
} from "#model";
export type { Known, Operand } from "#onnx";
export type { Examples, Rows, WorkTime } from "#results";
export type { BatchGradient, Criterion, Validated } from "#tuning";
