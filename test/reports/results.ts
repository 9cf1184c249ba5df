import { Random } from "#core";
import {
  type Cell,
  type DecisionResult,
  type Epoch,
  type Rate,
  type Results,
  resultsSchema,
  type Trial,
} from "#results";
import { recommend } from "../../src/audit/recommending/index.ts";
import { anytimeRate } from "../../src/audit/statistics/anytime.ts";
import { rate } from "../../src/audit/statistics/intervals.ts";
import { roc } from "../../src/audit/statistics/roc.ts";

/** Robust accuracy that was asked for until the gate was decided. */
function decision(candidate: string, attacked: number): DecisionResult {
  const one = cell(candidate, "none", "square", DECIDED, true);
  const outcomes = one.outcomes.slice(0, attacked);
  const robust = outcomes.replaceAll(/[^1]/g, "").length;
  const robustAccuracy = anytimeRate(robust, attacked);
  return {
    candidate,
    defense: "none",
    threatModel: `linf-${DECIDED}`,
    attacks: ["square"],
    limits: [0.2],
    attacked,
    of: SAMPLES,
    order: Array.from({ length: attacked }, (_, i) => (7 * i) % SAMPLES),
    decided: attacked < SAMPLES,
    reason: `Told of ${hostile.image} after ${attacked} samples.`,
    robustAccuracy,
    cleanAccuracy: one.cleanAccuracy,
    trusted: candidate !== "full",
    evaluated: true,
    cells: [{ ...one, outcomes, robustAccuracy, queriesToBreak: [] }],
  };
}

/** Text that tries to be more than text. */
export const hostile = {
  script: "<script>alert(1)</script>",
  image: '"><img src=x onerror=alert(1)>',
  lines: "two\nlines\u2028and | a pipe \u202eturned",
};

const SAMPLES = 50;
const candidates = ["head-only", "full", "adversarial"];
const defenses = ["none", "median"];
const attacks = ["fgsm", "pgd", "square", "noise"];
const accessOf = (attack: string) =>
  attack === "noise" ? "label" : attack === "square" ? "score" : "gradient";
const families = {
  fgsm: "single-step",
  pgd: "iterative",
  square: "query",
  noise: "control",
} as const;
const budgets = [0.05, 0.1, 0.2, 0.5];

/** The budget whose cells stand for the gate alone. */
const DECIDED = 0.3;

const unit = (id: string) => ({
  id,
  title: `Title of ${id}`,
  reference: "Somebody et al. 2020, arXiv:2001.00001",
  params: { steps: 10 },
});
const hash = "ab".repeat(32);

function history(): Epoch[] {
  return Array.from({ length: 12 }, (_, i) => ({
    epoch: i + 1,
    stage: i < 4 ? 1 : 2,
    trainable: i < 4 ? ["head"] : ["conv1", "head"],
    learningRate: 1e-3 / (i + 1),
    trainLoss: 2 / (i + 1),
    validationLoss: 2.2 / (i + 1),
    validationAccuracy: i / 12,
    best: i === 10,
  }));
}

function cell(
  candidate: string,
  defense: string,
  attack: string,
  eps: number,
  adaptive: boolean,
): Cell {
  const random = new Random(`${candidate}${defense}${attack}${eps}${adaptive}`);
  const outcomes = Array.from({ length: SAMPLES }, () =>
    random.uniform() < 0.1 ? "-" : random.uniform() < 1 - 2 * eps ? "1" : "0",
  ).join("");
  const right = outcomes.replaceAll("-", "").length;
  const robust = outcomes.replaceAll(/[^1]/g, "").length;
  const trusted = !(candidate === "full" && attack === "pgd" && eps === 0.1);
  return {
    id: `${candidate}/${defense}/${attack}${adaptive ? "" : "+as-is"}@linf-${eps}`,
    candidate,
    defense,
    attack,
    threatModel: {
      id: `linf-${eps}`,
      norm: "linf",
      eps,
      access: accessOf(attack),
      steps: attack === "noise" ? null : 40,
      restarts: attack === "noise" ? null : 3,
      queries: null,
    },
    adaptive,
    cleanAccuracy: rate(right, SAMPLES),
    robustAccuracy: rate(robust, SAMPLES),
    attackSuccess: rate(right - robust, right),
    queries: { forward: 10, gradient: 2000, base: 0 },
    trusted,
    checks: trusted
      ? [
          {
            id: "budget-kept",
            title: "Budget kept",
            status: "passed",
            message: "fine",
          },
        ]
      : [
          {
            id: "iterative-beats-single-step",
            title: "Iterated beats single step",
            status: "failed",
            message: `worse than FGSM on ${hostile.script}; run more steps.`,
          },
        ],
    outcomes,
    breakdown: [],
    ...(defense === "none" ? {} : { detection: detection(attack) }),
    queriesToBreak: Array.from(outcomes, (o, i) => (o === "0" ? 1 + 3 * i : 0)),
    reproduce: `npx assay run '${hostile.image}' --only 'x'`,
    seconds: 1.25,
  };
}

function trialOf(candidate: string, repair: string): Trial {
  const words = { at: null, unit: "share", attacker: "down", n: 50 } as const;
  return {
    id: `${candidate}/${repair}/flips`,
    candidate,
    repair,
    trial: "flips",
    findings: [
      {
        ...words,
        id: "accuracy",
        title: `Accuracy ${hostile.script}`,
        value: repair === "none" ? 0.3 : 0.9,
        low: 0.2,
        high: 0.95,
        role: "headline",
      },
      {
        ...words,
        id: "clean",
        title: "Accuracy without poison",
        unit: "number",
        value: null,
        low: null,
        high: null,
        role: "control",
      },
    ],
    charts: [
      {
        id: "accuracy",
        title: "Accuracy against poisons",
        x: { label: "poisons", scale: "log" },
        y: { label: "accuracy", scale: "share" },
        lines: [
          {
            name: hostile.image,
            points: [1, 10, 100].map((x) => ({
              x,
              y: 1 / x,
              low: 0.5 / x,
              high: null,
            })),
          },
        ],
      },
    ],
    pictures: [{ caption: hostile.image, picture: picture(3) }],
    notes: [`a note ${hostile.lines}`],
    trusted: candidate !== "full",
    checks:
      candidate === "full"
        ? [
            {
              id: "control",
              title: "Control",
              status: "failed",
              message: "the control was no control",
            },
          ]
        : [],
    reproduce: `npx assay run '${hostile.image}' --only 'x'`,
    seconds: 1,
  };
}

function detection(attack: string): NonNullable<Cell["detection"]> {
  const answers = {
    rejected: rate(5, SAMPLES),
    acceptedAccuracy: rate(40, 45),
  };
  const positives = [0.2, 0.5, 0.7, 0.9];
  return {
    clean: answers,
    attacked: answers,
    detectors: [
      {
        id: hostile.script,
        policy: "reject",
        threshold: 0.6,
        falsePositives: rate(5, SAMPLES),
        detected: attack === "fgsm" ? null : rate(2, 4),
        roc: attack === "fgsm" ? null : roc([0.1, 0.3, 0.4, 0.8], positives),
      },
    ],
  };
}

function certificates(): Results["certificates"] {
  return candidates.slice(0, 2).map((candidate, i) => ({
    candidate,
    sigma: 0.25,
    n0: 100,
    n: 1000,
    alpha: 0.001,
    outcomes: "1".repeat(40 - 10 * i).padEnd(SAMPLES, "-"),
    radii: Array.from({ length: SAMPLES }, (_, k) =>
      k < 40 - 10 * i ? k / 80 : null,
    ),
    accuracy: rate(40 - 10 * i, SAMPLES),
    abstained: rate(10 + 10 * i, SAMPLES),
    curve: [0, 0.0625, 0.125, 0.1875].map((radius, k) => ({
      radius,
      certifiedAccuracy: rate(40 - 10 * i - 5 * k, SAMPLES),
    })),
    seconds: 1,
  }));
}

const picture = (seed: number) => ({
  width: 8,
  height: 8,
  channels: 1 as const,
  pixels: Buffer.from(
    Array.from({ length: 64 }, (_, i) => (i * seed) % 256),
  ).toString("base64"),
});

/** A results document as a run makes it, with hostile names in it. */
export function exampleResults(
  change: (results: Results) => Partial<Results> = () => ({}),
): Results {
  const cells = candidates.flatMap((c) =>
    defenses.flatMap((d) =>
      budgets.flatMap((eps) =>
        attacks.flatMap((a) => {
          if ((eps === 0.05 || eps === 0.5) && (a !== "pgd" || d !== "none"))
            return [];
          return d !== "none" && a !== "noise"
            ? [cell(c, d, a, eps, false), cell(c, d, a, eps, true)]
            : [cell(c, d, a, eps, true)];
        }),
      ),
    ),
  );
  const some: Rate = rate(30, SAMPLES);
  const results: Results = {
    schemaVersion: "1.4",
    title: `An audit of ${hostile.script}`,
    complete: true,
    classes: ["cat", hostile.script, hostile.lines],
    samples: [
      {
        task: "main",
        fingerprints: Array.from({ length: SAMPLES }, (_, i) =>
          i.toString(16).padStart(12, "0"),
        ).join(" "),
        labels: Array.from({ length: SAMPLES }, (_, i) => i % 3).join(" "),
      },
    ],
    threatModels: [...budgets, DECIDED].map((eps) => ({
      id: `linf-${eps}`,
      norm: "linf",
      eps,
      steps: null,
      restarts: null,
      queries: null,
    })),
    base: {
      file: "models/base.onnx",
      hash,
      origin: "pre-trained",
      classes: ["a", "b"],
      parameters: 1234,
      groups: [{ name: hostile.image, parameters: 1234 }],
      cleanAccuracy: some,
      history: history(),
    },
    candidates: candidates.map((id) => ({
      id,
      replica: null,
      adaptation: null,
      sourceAccuracy: null,
      kinship: [
        {
          group: hostile.script,
          size: 160,
          relation: "moved" as const,
          distance: 0.25,
          cosine: 0.97,
        },
        {
          group: "head",
          size: 325,
          relation: "new" as const,
          distance: null,
          cosine: null,
        },
      ],
      origin: "tuned",
      strategy: unit("full"),
      training: id === "adversarial" ? unit("pgd-at") : null,
      lineage: {
        baseHash: hash,
        dataHash: hash,
        strategy: "full",
        seed: 1,
        assayVersion: "0.1.0",
      },
      file: `models/${id}.onnx`,
      hash,
      parameters: 13381,
      trainableParameters: 325,
      cleanAccuracy: some,
      history: history(),
      ended: "finished",
    })),
    defenses: defenses.map((id) => ({
      id,
      parts: id === "none" ? [] : [unit(id)],
    })),
    attacks: attacks.map((id) => ({
      ...unit(id),
      access: accessOf(id),
      family: families[id as keyof typeof families],
      taxonomy: {
        atlas: ["AML.T0015"],
        owasp: ["ML01:2023"],
        nist: ["NISTAML.022"],
      },
    })),
    cells,
    failures: [
      {
        work: "examples full/none/square@linf-0.2",
        kind: "examples",
        code: "MODEL_BROKEN",
        message: `a logit of ${hostile.script} is not a number`,
        hint: `Look at ${hostile.image}.`,
      },
    ],
    missing: ["square", "boundary"].map((attack) => ({
      what: "cell" as const,
      id: `full/none/${attack}@linf-0.2`,
      candidate: "full",
      defense: "none",
      attack,
      threatModel: "linf-0.2",
      adaptive: true,
      because: "examples full/none/square@linf-0.2",
    })),
    seeds: [],
    inheritance: [null, "pgd"].map((attack) => ({
      candidate: "full",
      reference: hostile.script,
      referenceIs: "base with a new head",
      defense: "none",
      attack,
      threatModel: "linf-0.1",
      inherited: 10,
      lost: 20,
      gained: 5,
      neither: 15,
      pValue: 0.004,
      retained: { value: 0.5, low: 0.3, high: attack ? null : 0.75 },
      trusted: false,
    })),
    domains: [null, hostile.script].map((attack) => ({
      candidate: "full",
      defense: "none",
      attack,
      threatModel: "linf-0.1",
      target: { cleanAccuracy: some, robustAccuracy: rate(10, SAMPLES) },
      source: { cleanAccuracy: some, robustAccuracy: rate(20, SAMPLES) },
      difference: { value: -0.2, low: -0.36, high: -0.02 },
      paired: true,
      trusted: attack === null,
    })),
    trajectories: [
      {
        candidate: "full",
        attack: "pgd",
        threatModel: "linf-0.1",
        points: [1, 3, 4].map((epoch) => ({
          epoch,
          stage: epoch < 3 ? 1 : 2,
          trainable: [hostile.script],
          best: epoch === 3,
          cleanAccuracy: some,
          robustAccuracy: rate(10 * epoch, SAMPLES),
          trusted: epoch !== 4,
        })),
      },
    ],
    crossTask: ["full", "adversarial"].flatMap((through) =>
      ["full", "adversarial"].slice(through === "full" ? 0 : 1).map((on) => ({
        of: hostile.image,
        replica: 2,
        through,
        candidate: on,
        defense: "none",
        attack: "pgd",
        threatModel: "linf-0.1",
        cleanAccuracy: some,
        robustAccuracy: rate(10, SAMPLES),
        drop: { value: 0.4, low: 0.25, high: 0.53 },
        trusted: on === "full",
        outcomes: "1".repeat(SAMPLES),
      })),
    ),
    certificates: certificates(),
    worstCases: candidates.flatMap((candidate, i) =>
      defenses.flatMap((defense) =>
        [0.1, 0.2].map((eps) => ({
          candidate,
          defense,
          threatModel: `linf-${eps}`,
          attacks,
          robustAccuracy: rate(5 * (i + 1), SAMPLES),
          trusted: !(candidate === "full" && eps === 0.1),
          evaluated: true,
          comparison:
            i === 0
              ? null
              : {
                  against: "head-only",
                  difference: 0.1 * i,
                  gained: 5 * i,
                  lost: 0,
                  pValue: 0.04,
                },
        })),
      ),
    ),
    decisions: [decision("head-only", 12), decision("full", SAMPLES)],
    trialAttacks: [
      {
        ...unit("flips"),
        kind: "poisoning",
        threat: "writes some labels",
        taxonomy: { atlas: ["AML.T0020"], owasp: ["ML02"], nist: [] },
      },
    ],
    repairs: [
      { id: "none", parts: [] },
      { id: "knn", parts: [unit("knn")] },
    ],
    trials: candidates.flatMap((c) => [trialOf(c, "none"), trialOf(c, "knn")]),
    curves: candidates.map((candidate, i) => ({
      candidate,
      defense: "none",
      attack: "pgd",
      norm: "linf",
      points: [0, ...budgets].map((eps) => ({
        eps,
        robustAccuracy: rate(
          Math.round(
            Math.max(0, 30 - 200 * eps + 10 * i) * (eps > 0.4 ? 0 : 1),
          ),
          SAMPLES,
        ),
      })),
    })),
    gallery: [1, 2].map((sample) => ({
      cell: cells[0]?.id ?? "",
      sample,
      label: hostile.script,
      cleanPrediction: hostile.script,
      cleanConfidence: 0.9,
      prediction: hostile.lines,
      confidence: 0.6,
      linf: 0.1,
      l2: 0.6,
      original: picture(3),
      perturbed: picture(5),
      difference: picture(7),
    })),
    gate: {
      verdict: "failed",
      rules: [
        {
          rule: "robustAccuracy: min 0.4",
          subject: "full / none",
          limit: "at least 40 %",
          measured: "20 %",
          verdict: "failed",
          reason: `Too low for ${hostile.script}.`,
        },
        {
          rule: "cleanAccuracy: min 0.5",
          subject: "full",
          limit: "at least 50 %",
          measured: "60 %",
          verdict: "passed",
          reason: "Within.",
        },
      ],
    },
    provenance: {
      assay: "0.1.0",
      suite: { file: `${hostile.image}.yaml`, hash },
      data: {
        source: "digits",
        fingerprint: hash,
        train: 500,
        validation: 100,
        test: 225,
        attacked: SAMPLES,
      },
      seed: 1,
      engine: "onnxruntime-node 1.30.0",
      node: "v20.20.2",
      platform: "linux x64",
    },
    timing: {
      startedAt: "2026-01-01T00:00:00.000Z",
      finishedAt: "2026-01-01T00:01:23.000Z",
      seconds: 83,
    },
  };
  const changed = { ...results, ...change(results) };
  return resultsSchema.parse({
    recommendations: recommend(changed),
    ...changed,
  });
}
