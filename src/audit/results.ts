import { z } from "zod";

/**
 * The results document: what a run found, and all that a report may see.
 * Fields are added within a major version and never renamed or removed.
 * All times live in `timing` and `seconds`; everything else is the
 * same, byte for byte, whenever the same suite is run with the same seed.
 */
export const RESULTS_VERSION = "1.1";

/** A share of samples with its 95 % Clopper-Pearson interval. */
export const rateSchema = z.strictObject({
  value: z.number().min(0).max(1),
  low: z.number().min(0).max(1),
  high: z.number().min(0).max(1),
  n: z.int().nonnegative(),
});

export const normSchema = z.enum(["linf", "l2", "l1", "l0", "none"]);

/** What the attacker may do. `eps` is in the unit of the input bounds. */
export const threatModelSchema = z.strictObject({
  id: z.string(),
  norm: normSchema,
  eps: z.number().nonnegative(),
  /** What the attack needed: nothing, labels, scores, gradients of the target, or gradients of the public base. */
  access: z.enum(["none", "label", "score", "gradient", "base"]),
  /** Most steps and restarts of an attack, and most queries of each sample; null where the attack decides. */
  steps: z.int().nullable(),
  restarts: z.int().nullable(),
  queries: z.int().nullable(),
});

/** One mechanical test that a number is not an artefact. */
export const checkSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  status: z.enum(["passed", "warned", "failed"]),
  /** One plain sentence: what was seen, and what to do when it failed. */
  message: z.string(),
});

const unitSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  /** The paper: "Madry et al. 2018, arXiv:1706.06083". */
  reference: z.string(),
  params: z.record(z.string(), z.unknown()),
});

/** One line of a training curve; rates are on the validation split. */
export const epochSchema = z.strictObject({
  epoch: z.int(),
  stage: z.int(),
  /** The layer groups that were trained in this epoch. */
  trainable: z.array(z.string()),
  learningRate: z.number(),
  trainLoss: z.number(),
  validationLoss: z.number(),
  validationAccuracy: z.number(),
  /** Means over the epoch of what the loss recorded, such as its terms, and what was found of each task on the validation split; absent where there is nothing. */
  records: z.record(z.string(), z.number()).optional(),
  /** True for the epoch whose weights were kept. */
  best: z.boolean(),
});

export const lineageSchema = z.strictObject({
  baseHash: z.string().nullable(),
  dataHash: z.string(),
  strategy: z.string(),
  seed: z.int(),
  assayVersion: z.string(),
  /** What the training states of itself, such as its epsilon and delta; absent where it states nothing. */
  facts: z.record(z.string(), z.number()).optional(),
});

/** A mean over samples, such as the mean absolute error. */
const measureSchema = z.strictObject({ name: z.string(), value: z.number() });

/** How the weights of a layer group stand to the base's. */
export const kinSchema = z.strictObject({
  group: z.string(),
  size: z.int(),
  /** "same" bytes, "moved" from those of the base, or "new": the base has no such layer. */
  relation: z.enum(["same", "moved", "new"]),
  /** Norm of the difference over the norm in the base. */
  distance: z.number().nullable(),
  /** Near 0 for weights that have nothing to do with each other. */
  cosine: z.number().nullable(),
});

export const candidateSchema = z.strictObject({
  id: z.string(),
  /** Which of several trainings of one candidate it is, counted from 1; null for a candidate of one seed. */
  replica: z
    .strictObject({ of: z.string(), index: z.int().positive() })
    .nullable(),
  /** Where it is one of several tasks on one trunk, which share file and training; absent otherwise. */
  member: z
    .strictObject({
      of: z.string(),
      task: z.string(),
      tasks: z.array(z.string()),
      /** How tasks were weighed; null for a model that was given. */
      weighting: unitSchema.nullable(),
      /** Names of its classes, or of its outputs. */
      classes: z.array(z.string()),
      /** When a sample is wrong, as half a sentence. */
      broken: z.string(),
      /** The share that guessing, or the best single answer, gets right. */
      chance: z.number(),
    })
    .optional(),
  /** "tuned" by this run, or "given" as a file. */
  origin: z.enum(["tuned", "given"]),
  strategy: unitSchema.nullable(),
  /** How it learned from unlabelled data of the target domain, if it did. */
  adaptation: unitSchema.nullable(),
  /** On the test split of the source domain; null where the suite has one domain. */
  sourceAccuracy: rateSchema.nullable(),
  /** The proactive defence it was trained with, if any. */
  training: unitSchema.nullable(),
  /** Further ones, in the order in which they were applied; absent where there are none. */
  moreTraining: z.array(unitSchema).optional(),
  lineage: lineageSchema.nullable(),
  /** What the weights themselves say of the descent from the base, from input to output; null without a base. */
  kinship: z.array(kinSchema).nullable(),
  /** Path of the .onnx relative to the results document. */
  file: z.string(),
  hash: z.string(),
  parameters: z.int(),
  trainableParameters: z.int().nullable(),
  cleanAccuracy: rateSchema,
  /** How far its outputs are from their targets on the test split; absent for classifiers. */
  measures: z.array(measureSchema).optional(),
  history: z.array(epochSchema),
  /** Why training ended: "finished", "early stop", or the reason it broke off. */
  ended: z.string().nullable(),
});

/** How well a score tells the attacked samples that are misclassified from the clean ones that are not. */
export const rocSchema = z.strictObject({
  /** Area under the curve, with its 95 % interval. */
  auc: z.strictObject({
    value: z.number().min(0).max(1),
    low: z.number().min(0).max(1),
    high: z.number().min(0).max(1),
  }),
  positives: z.int(),
  negatives: z.int(),
  /** Shares of false and of true positives, at each percent of the first. */
  points: z.array(z.tuple([z.number(), z.number()])),
});

const answersSchema = z.strictObject({
  /** Share of the samples that were refused an answer. */
  rejected: rateSchema,
  /** Accuracy among the others; null when there is none. */
  acceptedAccuracy: rateSchema.nullable(),
});

/** How the detectors of a defence did in a cell. */
export const detectionSchema = z.strictObject({
  clean: answersSchema,
  attacked: answersSchema,
  detectors: z.array(
    z.strictObject({
      id: z.string(),
      policy: z.enum(["reject", "sanitise"]),
      threshold: z.number(),
      /** Share of the clean samples that were flagged. */
      falsePositives: rateSchema,
      /** Share of those flagged that were right clean and are misclassified under attack; null when there is none. */
      detected: rateSchema.nullable(),
      roc: rocSchema.nullable(),
    }),
  ),
});

export const cellSchema = z.strictObject({
  /** "candidate/defense/attack@threatModel", with "+as-is" before "@" where the attack did not know the defence. */
  id: z.string(),
  candidate: z.string(),
  defense: z.string(),
  attack: z.string(),
  threatModel: threatModelSchema,
  /** True when the attack was made against the defence; false when it was made on the undefended candidate and replayed. */
  adaptive: z.boolean(),
  /** Accuracy of candidate and defence on the clean samples; one that a detector rejects counts as wrong. */
  cleanAccuracy: rateSchema,
  /** Share of all samples that are classified correctly clean, and under this attack correctly or, being rejected, not at all. */
  robustAccuracy: rateSchema,
  /** Share of the correctly classified samples that the attack broke; null when none was correct. */
  attackSuccess: rateSchema.nullable(),
  /** Samples that were evaluated, over all samples of the cell. */
  queries: z.strictObject({
    forward: z.int(),
    gradient: z.int(),
    /** Gradient queries on the public base. */
    base: z.int(),
  }),
  trusted: z.boolean(),
  checks: z.array(checkSchema),
  /** One character a sample, in order: "1" robust, "0" broken by the attack, "-" wrong or rejected without it. */
  outcomes: z.string(),
  /** Queries until each sample was broken, in order; 0 where it was not, or where it was wrong without the attack. Empty for an attack that does not query the target. */
  queriesToBreak: z.array(z.int()),
  /** Robust accuracy under each part of the attack, such as each corruption at each severity; empty for most attacks. */
  breakdown: z.array(
    z.strictObject({
      name: z.string(),
      /** How strong it was, from 1 on. */
      level: z.int(),
      robustAccuracy: rateSchema,
    }),
  ),
  /** How far outputs are from their targets on the attacked samples, clean and under the attack; absent for classifiers. */
  measures: z.array(measureSchema.extend({ clean: z.number() })).optional(),
  /** What the detectors of the defence did; absent where it has none. */
  detection: detectionSchema.optional(),
  /** The command that computes this cell alone. */
  reproduce: z.string(),
  seconds: z.number(),
});

/** Per-sample worst case over the attacks that count: adaptive ones, or all where there is no defence. */
export const worstCaseSchema = z.strictObject({
  candidate: z.string(),
  defense: z.string(),
  /** Id of the threat model. */
  threatModel: z.string(),
  attacks: z.array(z.string()),
  robustAccuracy: rateSchema,
  trusted: z.boolean(),
  /** False for a defence that no attack was made against: the number is only a bound from above. */
  evaluated: z.boolean(),
  /** McNemar's exact test against the first candidate under the same defence; null for the first candidate itself. */
  comparison: z
    .strictObject({
      against: z.string(),
      difference: z.number(),
      /** Samples robust only here, and only there. */
      gained: z.int(),
      lost: z.int(),
      pValue: z.number(),
    })
    .nullable(),
});

/** Accuracy over the training seeds of one candidate; see docs/trust.md. */
export const seedSummarySchema = z.strictObject({
  candidate: z.string(),
  defense: z.string(),
  /** Id of the threat model; null for clean accuracy on the attacked samples. */
  threatModel: z.string().nullable(),
  /** Of each seed. */
  values: z.array(z.number().min(0).max(1)),
  mean: z.number(),
  /** Standard deviation over seeds, on these samples. */
  betweenSeeds: z.number().nonnegative(),
  /** Standard error that the choice of samples adds to the mean. */
  samplingError: z.number().nonnegative(),
  /** 95 % interval of the mean with both. */
  low: z.number(),
  high: z.number(),
});

export const curveSchema = z.strictObject({
  candidate: z.string(),
  defense: z.string(),
  attack: z.string(),
  norm: normSchema,
  points: z.array(
    z.strictObject({ eps: z.number(), robustAccuracy: rateSchema }),
  ),
});

/** What randomised smoothing proves of a candidate: that the class it gives most often under noise stays the same within a radius. */
export const certificateSchema = z.strictObject({
  candidate: z.string(),
  /** Standard deviation of the noise; radii are L2 distances in the same unit, that of the input bounds. */
  sigma: z.number(),
  /** Draws that picked the class, and that proved it. */
  n0: z.int(),
  n: z.int(),
  /** How often the certificate of a sample may be wrong. */
  alpha: z.number(),
  /** One character a sample: "1" the right class was certified, "0" a wrong one, "-" abstained. */
  outcomes: z.string(),
  /** Of the samples whose right class was certified; null for the others. */
  radii: z.array(z.number().nullable()),
  /** Share of the samples whose right class was certified at all. */
  accuracy: rateSchema,
  abstained: rateSchema,
  /** Share of the samples whose right class is certified to at least a radius. */
  curve: z.array(
    z.strictObject({ radius: z.number(), certifiedAccuracy: rateSchema }),
  ),
  seconds: z.number(),
});

/** 8-bit pixels, row-major height x width x channels, in base64. */
const pictureSchema = z.strictObject({
  width: z.int(),
  height: z.int(),
  channels: z.union([z.literal(1), z.literal(3)]),
  pixels: z.string(),
});

export const exampleSchema = z.strictObject({
  cell: z.string(),
  sample: z.int(),
  label: z.string(),
  cleanPrediction: z.string(),
  /** Null where the outputs do not say how sure the model is. */
  cleanConfidence: z.number().nullable(),
  prediction: z.string(),
  confidence: z.number().nullable(),
  linf: z.number(),
  l2: z.number(),
  original: pictureSchema,
  perturbed: pictureSchema,
  /** Mid-grey is no change; scaled so that eps (linf) or the largest change (l2) is full contrast. */
  difference: pictureSchema,
});

export const gateRuleSchema = z.strictObject({
  rule: z.string(),
  /** What the rule was applied to, such as "full / none / linf-0.1". */
  subject: z.string(),
  limit: z.string(),
  measured: z.string(),
  verdict: z.enum(["passed", "failed", "inconclusive"]),
  /** One sentence why. */
  reason: z.string(),
});

export const resultsSchema = z.strictObject({
  schemaVersion: z.literal(RESULTS_VERSION),
  title: z.string(),
  /** False when only some cells were run (--only); such a run has no verdict. */
  complete: z.boolean(),
  /** Names of the classes, or of the outputs. */
  classes: z.array(z.string()),
  /** What the outputs mean; absent for classifiers. */
  task: z
    .strictObject({
      kind: z.enum(["multi-label", "regression"]),
      /** When a sample is wrong, as half a sentence. */
      broken: z.string(),
      /** The share that the best single answer gets right. */
      chance: z.number(),
    })
    .optional(),
  threatModels: z.array(threatModelSchema.omit({ access: true })),
  base: z
    .strictObject({
      file: z.string(),
      hash: z.string(),
      origin: z.enum(["pre-trained", "given"]),
      classes: z.array(z.string()),
      parameters: z.int(),
      groups: z.array(
        z.strictObject({ name: z.string(), parameters: z.int() }),
      ),
      /** On the test split of the source task; null for a given base. */
      cleanAccuracy: rateSchema.nullable(),
      history: z.array(epochSchema),
    })
    .nullable(),
  candidates: z.array(candidateSchema),
  defenses: z.array(
    z.strictObject({ id: z.string(), parts: z.array(unitSchema) }),
  ),
  attacks: z.array(
    unitSchema.extend({
      access: threatModelSchema.shape.access,
      /** "query" needs no gradients; a "universal" one makes one perturbation for all samples; in a "corruption" nobody searches; "control" is noise that every attack must beat. */
      family: z.enum([
        "single-step",
        "iterative",
        "minimum-norm",
        "query",
        "universal",
        "corruption",
        "control",
        "transfer",
      ]),
      taxonomy: z.strictObject({
        atlas: z.array(z.string()),
        owasp: z.array(z.string()),
        nist: z.array(z.string()),
      }),
    }),
  ),
  cells: z.array(cellSchema),
  worstCases: z.array(worstCaseSchema),
  /** Of candidates with several seeds. */
  seeds: z.array(seedSummarySchema),
  curves: z.array(curveSchema),
  /** Empty where the suite certifies nothing, and in a partial run. */
  certificates: z.array(certificateSchema),
  gallery: z.array(exampleSchema),
  gate: z.strictObject({
    verdict: z.enum(["passed", "failed", "inconclusive", "none"]),
    rules: z.array(gateRuleSchema),
  }),
  provenance: z.strictObject({
    assay: z.string(),
    suite: z.strictObject({ file: z.string(), hash: z.string() }),
    data: z.strictObject({
      source: z.string(),
      fingerprint: z.string(),
      train: z.int(),
      validation: z.int(),
      test: z.int(),
      /** Test samples that were attacked. */
      attacked: z.int(),
    }),
    seed: z.int(),
    engine: z.string(),
    node: z.string(),
    platform: z.string(),
  }),
  timing: z.strictObject({
    startedAt: z.string(),
    finishedAt: z.string(),
    seconds: z.number(),
  }),
});

export type Rate = z.infer<typeof rateSchema>;
export type Norm = z.infer<typeof normSchema>;
export type ThreatModel = z.infer<typeof threatModelSchema>;
export type Access = ThreatModel["access"];
export type Check = z.infer<typeof checkSchema>;
export type Epoch = z.infer<typeof epochSchema>;
export type Lineage = z.infer<typeof lineageSchema>;
export type CandidateResult = z.infer<typeof candidateSchema>;
export type Roc = z.infer<typeof rocSchema>;
export type Detection = z.infer<typeof detectionSchema>;
export type Cell = z.infer<typeof cellSchema>;
export type WorstCase = z.infer<typeof worstCaseSchema>;
export type SeedSummary = z.infer<typeof seedSummarySchema>;
export type Curve = z.infer<typeof curveSchema>;
export type CertificateResult = z.infer<typeof certificateSchema>;
export type Example = z.infer<typeof exampleSchema>;
export type GateRule = z.infer<typeof gateRuleSchema>;
export type Results = z.infer<typeof resultsSchema>;
