// What signatures of the library name besides, for who writes such types down. Units
// and what they work with stand in assay/units.
export type {
  Family as AttackFamily,
  Norm as AttackNorm,
  TextInput,
} from "#attacks";
export type { Headline, SuiteText, Timed } from "#audit";
export type { StraightThrough } from "#autodiff";
export type { Explained, Unit } from "#core";
export type {
  Dialogue,
  Dialogues,
  Part,
  TextReader,
  Texts,
} from "#data";
export type { Device } from "#engine";
export type {
  Answers,
  ChosenOutput,
  Detector as ModelDetector,
  Family,
  FamilyId,
  Head,
  HeadSpec,
  NoiseInput,
  Operators,
  OutputSource,
  Pool,
  Problem,
  RawUnits,
  Reading,
  SelfCheck,
  Stored,
  TargetUnit,
} from "#model";
export type {
  ArrayOf,
  Attribute,
  Attributes,
  DataType,
  Dim,
  LocalFunction,
  Node,
  Subgraph,
  Tensor,
  ValueInfo,
} from "#onnx";
export type {
  Change,
  Column,
  ColumnSpec,
  Feature,
  Quantity,
  Relation,
  Table,
} from "#tables";
