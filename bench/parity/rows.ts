import type { Norm } from "#attacks";
import type { ModelName } from "./models.ts";

/** An attack at equal parameters here and in a library. */
export interface Row {
  readonly model: ModelName;
  readonly norm: Norm;
  /**
   * null where the nearest example is looked for, and the median distance is compared.
   */
  readonly eps: number | null;
  readonly attack: string;
  readonly params: Record<string, unknown>;
  /** How many of the samples. */
  readonly samples: number;
  /** What peers.py runs. */
  readonly peer: {
    readonly library: "pyautoattack" | "torchattacks" | "foolbox" | "art";
    readonly name: string;
    readonly params: Record<string, unknown>;
  };
}

const budgets = [
  { norm: "linf", eps: 0.1 },
  { norm: "linf", eps: 0.3 },
  { norm: "l2", eps: 1.5 },
] as const;

const SAMPLES = 500;

const models: readonly ModelName[] = ["plain", "robust"];

/** Every comparison, AutoAttack first. */
export const rows: readonly Row[] = models.flatMap((model) => [
  ...budgets.flatMap(({ norm, eps }): Row[] => {
    const at = { model, norm, eps, samples: SAMPLES };
    const l2 = norm === "l2";
    return [
      {
        ...at,
        attack: "autoattack",
        params: {},
        peer: { library: "pyautoattack", name: "standard", params: {} },
      },
      {
        ...at,
        attack: "pgd",
        params: { steps: 40, restarts: 5, relStepSize: 0.1 },
        peer: {
          library: "foolbox",
          name: l2 ? "L2PGD" : "LinfPGD",
          params: { steps: 40, rel_stepsize: 0.1, repeat: 5 },
        },
      },
      {
        ...at,
        attack: "apgd-ce",
        params: {},
        peer: { library: "pyautoattack", name: "apgd-ce", params: {} },
      },
      {
        ...at,
        attack: "apgd-dlr",
        params: {},
        peer: { library: "pyautoattack", name: "apgd-dlr", params: {} },
      },
      {
        ...at,
        attack: "apgd-t",
        params: {},
        peer: { library: "pyautoattack", name: "apgd-t", params: {} },
      },
      {
        ...at,
        attack: "fab-t",
        params: {},
        peer: { library: "pyautoattack", name: "fab-t", params: {} },
      },
      {
        ...at,
        samples: 500,
        attack: "square",
        params: { queries: 1000 },
        peer: {
          library: "pyautoattack",
          name: "square",
          params: { n_queries: 1000 },
        },
      },
      ...(l2
        ? []
        : [
            {
              ...at,
              attack: "fgsm",
              params: {},
              peer: { library: "torchattacks", name: "FGSM", params: {} },
            } as const,
            ...(["BIM", "MIFGSM"] as const).map((name) => ({
              ...at,
              attack: name === "BIM" ? "bim" : "mi-fgsm",
              params: { steps: 10, relStepSize: 0.1 },
              peer: {
                library: "torchattacks" as const,
                name,
                params: { steps: 10, alpha: eps / 10 },
              },
            })),
          ]),
    ];
  }),
  ...[
    nearest(
      "l2",
      "cw-l2",
      { binarySearchSteps: 9, maxIterations: 300 },
      "L2CarliniWagnerAttack",
      {
        binary_search_steps: 9,
        steps: 300,
        stepsize: 0.01,
        initial_const: 1e-3,
      },
    ),
    nearest("l1", "ead", { beta: 0.01, maxIterations: 300 }, "EADAttack", {
      binary_search_steps: 9,
      steps: 300,
      regularization: 0.01,
      decision_rule: "L1",
    }),
    nearest("l2", "ddn", {}, "DDNAttack", {}),
    nearest("l2", "fmn", {}, "L2FMNAttack", {}),
    nearest("linf", "fmn", {}, "LInfFMNAttack", {}),
    nearest("l2", "deepfool", {}, "L2DeepFoolAttack", {}),
  ].map((row) => ({ ...row, model })),
]);

function nearest(
  norm: Norm,
  attack: string,
  params: Record<string, unknown>,
  name: string,
  theirs: Record<string, unknown>,
): Omit<Row, "model"> {
  return {
    norm,
    eps: null,
    samples: 100,
    attack,
    params,
    peer: { library: "foolbox", name, params: theirs },
  };
}
