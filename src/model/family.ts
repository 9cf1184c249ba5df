import type { Features } from "./features.ts";

/** A guess at what kind of model a graph is, with what it is based on. */
export interface Family {
  readonly id: FamilyId;
  /**
   * "vision transformer", "convolutional network with residual connections
   * (ResNet-like)" …
   */
  readonly title: string;
  /** What was counted, most telling first. */
  readonly evidence: readonly string[];
}

export type FamilyId =
  | "vision-transformer"
  | "hierarchical-vision-transformer"
  | "sequence-transformer"
  | "text-encoder"
  | "decoder"
  | "text"
  | "recurrent"
  | "depthwise-separable"
  | "convnext"
  | "densenet"
  | "unet"
  | "resnet"
  | "inception"
  | "shufflenet"
  | "cnn"
  | "hybrid"
  | "mlp"
  | "linear"
  | "trees"
  | "svm"
  | "unknown";

/** What a family is called, how it is told, and by what. */
interface Rule {
  readonly id: Exclude<FamilyId, "unknown">;
  readonly title: string | ((f: Features) => string);
  readonly holds: (f: Features) => boolean;
  readonly evidence: (f: Features) => readonly (string | false)[];
}

const some = (count: number, one: string, more = `${one}s`) =>
  count > 0 && `${count} ${count === 1 ? one : more}`;
const attentions = (f: Features) => some(f.attentions, "attention block");
const convolutions = (f: Features) =>
  some(f.convolutions.length, "convolution");
const linears = (f: Features) => some(f.linears, "linear layer");
const width = (f: Features) => {
  const all = [...new Set(f.widths.filter((w) => w > 1))];
  return all.length > 0 && `width ${all.slice(0, 4).join(", ")}`;
};
const activations = (f: Features) =>
  f.activations.length > 0 && f.activations.join(", ");
const named = (f: Features, pattern: RegExp) =>
  f.classical.filter((op) => pattern.test(op)).join(", ");
const depthwise = (f: Features) => f.convolutions.filter((c) => c.depthwise);

/** The convolution that cuts an image into patches: its windows do not overlap. */
const patches = ({ convolutions: [first] }: Features) =>
  first &&
  !first.depthwise &&
  (first.kernel[0] ?? 1) > 1 &&
  first.kernel.join() === first.strides.join()
    ? first
    : undefined;
const patchEvidence = (f: Features) => {
  const p = patches(f);
  return (
    p !== undefined &&
    `patch embedding Conv ${p.kernel.join("x")}/${p.strides[0]}`
  );
};

/**
 * Windows that hide part of the image from each other come in several widths: patches
 * are merged between them.
 */
const mergesPatches = (f: Features) =>
  new Set(f.widths.slice(0, -1).filter((w) => w > 1)).size > 1;

/**
 * The families, the most particular first: the first that holds is the guess. All count
 * what `featuresOf` finds. None looks at names.
 */
const rules: readonly Rule[] = [
  {
    id: "trees",
    title: "tree ensemble",
    holds: (f) => f.classical.some((op) => /^TreeEnsemble/.test(op)),
    evidence: (f) => [named(f, /^TreeEnsemble/), "steps have no gradient"],
  },
  {
    id: "svm",
    title: "support-vector machine",
    holds: (f) => f.classical.some((op) => /^SVM/.test(op)),
    evidence: (f) => [named(f, /^SVM/)],
  },
  {
    id: "decoder",
    title: "decoder language model (causal)",
    holds: (f) => f.isText && f.attentions > 0 && f.causal,
    evidence: (f) => [
      "token ids are looked up in a table",
      attentions(f),
      "later tokens are hidden from earlier ones",
      width(f),
    ],
  },
  {
    id: "text-encoder",
    title: "text encoder",
    holds: (f) => f.isText && f.attentions > 0,
    evidence: (f) => [
      "token ids are looked up in a table",
      attentions(f),
      "every token sees every other",
      width(f),
    ],
  },
  {
    id: "recurrent",
    title: (f) => `recurrent network (${Object.keys(f.recurrent).join(", ")})`,
    holds: (f) => Object.keys(f.recurrent).length > 0,
    evidence: (f) => [
      ...Object.entries(f.recurrent).map(([op, n]) => `${n} ${op}`),
      f.isText && "token ids are looked up in a table",
      convolutions(f),
    ],
  },
  {
    id: "text",
    title: "text classifier without attention",
    holds: (f) => f.isText,
    evidence: (f) => [
      "token ids are looked up in a table",
      convolutions(f),
      linears(f),
    ],
  },
  {
    id: "hierarchical-vision-transformer",
    title: "hierarchical vision transformer (Swin-like)",
    holds: (f) =>
      f.attentions > 0 && patches(f) !== undefined && mergesPatches(f),
    evidence: (f) => [patchEvidence(f), attentions(f), width(f)],
  },
  {
    id: "vision-transformer",
    title: "vision transformer",
    holds: (f) =>
      f.attentions > 0 &&
      patches(f) !== undefined &&
      f.convolutions.length === 1,
    evidence: (f) => [patchEvidence(f), attentions(f), width(f)],
  },
  {
    id: "hybrid",
    title: "convolutional network with attention",
    holds: (f) => f.attentions > 0 && f.convolutions.length > 0,
    evidence: (f) => [convolutions(f), attentions(f), width(f)],
  },
  {
    id: "sequence-transformer",
    title: "transformer over vectors",
    holds: (f) => f.attentions > 0,
    evidence: (f) => [attentions(f), linears(f), width(f)],
  },
  {
    id: "unet",
    title: "U-Net-like",
    holds: (f) =>
      f.convolutions.length > 0 &&
      f.upsamplings > 0 &&
      f.denseJoins + f.branchJoins > 0,
    evidence: (f) => [
      convolutions(f),
      some(f.upsamplings, "upsampling"),
      some(
        f.denseJoins + f.branchJoins,
        "join with an earlier map",
        "joins with earlier maps",
      ),
    ],
  },
  {
    id: "densenet",
    title: "DenseNet-like",
    holds: (f) => f.convolutions.length > 0 && f.denseJoins > 1,
    evidence: (f) => [
      convolutions(f),
      some(
        f.denseJoins,
        "Concat of a map with what was made of it",
        "Concats of a map with what was made of it",
      ),
    ],
  },
  {
    id: "shufflenet",
    title: "ShuffleNet-like",
    holds: (f) => f.shuffles > 0 && depthwise(f).length > 0,
    evidence: (f) => [
      some(depthwise(f).length, "depthwise convolution"),
      some(f.shuffles, "channel shuffle"),
      convolutions(f),
    ],
  },
  {
    id: "convnext",
    title: "ConvNeXt-like",
    holds: (f) =>
      patches(f) !== undefined &&
      depthwise(f).some((c) => (c.kernel[0] ?? 0) > 5) &&
      f.widths.length > 0,
    evidence: (f) => [
      patchEvidence(f),
      some(depthwise(f).length, "depthwise convolution"),
      linears(f),
      width(f),
    ],
  },
  {
    id: "depthwise-separable",
    title:
      "depthwise-separable convolutional network (MobileNet/EfficientNet-like)",
    holds: (f) => depthwise(f).length > 1,
    evidence: (f) => [
      some(depthwise(f).length, "depthwise convolution"),
      convolutions(f),
      some(f.gates, "squeeze-and-excitation gate"),
      some(f.residuals, "residual connection"),
    ],
  },
  {
    id: "resnet",
    title: "convolutional network with residual connections (ResNet-like)",
    holds: (f) => f.convolutions.length > 1 && f.residuals > 0,
    evidence: (f) => [
      convolutions(f),
      some(f.residuals, "residual connection"),
      some(f.gates, "squeeze-and-excitation gate"),
      f.convolutions.some((c) => c.grouped) && "grouped convolutions",
    ],
  },
  {
    id: "inception",
    title:
      "convolutional network with parallel branches (Inception/SqueezeNet-like)",
    holds: (f) => f.convolutions.length > 2 && f.branchJoins > 0,
    evidence: (f) => [
      convolutions(f),
      some(f.branchJoins, "Concat of branches", "Concats of branches"),
    ],
  },
  {
    id: "cnn",
    title: "convolutional network",
    holds: (f) => f.convolutions.length > 0,
    evidence: (f) => [
      convolutions(f),
      some(depthwise(f).length, "of them depthwise", "of them depthwise"),
      linears(f),
      activations(f),
    ],
  },
  {
    id: "mlp",
    title: "multi-layer perceptron",
    holds: (f) => f.linears > 1 && f.activations.length > 0,
    evidence: (f) => [linears(f), activations(f)],
  },
  {
    id: "linear",
    title: "linear model",
    holds: (f) => f.linears === 1 && f.unusual.length === 0,
    evidence: (f) => [
      linears(f),
      "nothing that bends between input and scores",
    ],
  },
];

/** The family of a model by its features; "unknown" when no rule holds. */
export function familyOf(features: Features): Family {
  const rule = rules.find((r) => r.holds(features));
  if (!rule) return { id: "unknown", title: "unknown", evidence: [] };
  const { id } = rule;
  const title =
    typeof rule.title === "string" ? rule.title : rule.title(features);
  const evidence = rule.evidence(features).filter((e) => e !== false);
  return { id, title, evidence };
}
