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
  /** What parity_peer.py runs. */
  readonly peer: {
    readonly library: "pyautoattack" | "torchattacks" | "foolbox";
    readonly name: string;
    readonly params: Record<string, unknown>;
  };
}

const SAMPLES = 500;
const FEWER = 100;

const digits = [
  { norm: "linf", eps: 0.1 },
  { norm: "linf", eps: 0.3 },
  { norm: "l2", eps: 1.5 },
] as const;
const colours = [
  { norm: "linf", eps: 0.015 },
  { norm: "linf", eps: 0.03 },
  { norm: "l2", eps: 0.5 },
] as const;

/** What looks for the nearest example. */
const nearest: readonly Omit<Row, "model">[] = [
  carliniWagner(9, 300),
  carliniWagner(5, 100),
  closest("l1", "ead", { beta: 0.01, maxIterations: 300 }, "EADAttack", {
    binary_search_steps: 9,
    steps: 300,
    regularization: 0.01,
    decision_rule: "L1",
  }),
  closest("l2", "ddn", {}, "DDNAttack", {}),
  closest("l1", "fmn", {}, "L1FMNAttack", {}),
  closest("l2", "fmn", {}, "L2FMNAttack", {}),
  closest("linf", "fmn", {}, "LInfFMNAttack", {}),
  closest("l2", "deepfool", {}, "L2DeepFoolAttack", {}),
  {
    ...closest("l2", "hopskipjump", { iterations: 10 }, "HopSkipJumpAttack", {
      steps: 10,
    }),
    samples: 20,
  },
];

function closest(
  norm: Norm,
  attack: string,
  params: Record<string, unknown>,
  name: string,
  theirs: Record<string, unknown>,
): Omit<Row, "model"> {
  return {
    norm,
    eps: null,
    samples: FEWER,
    attack,
    params,
    peer: { library: "foolbox", name, params: theirs },
  };
}

/** Adam for so many steps, with each of so many constants. */
function carliniWagner(constants: number, steps: number): Omit<Row, "model"> {
  return closest(
    "l2",
    "cw-l2",
    { binarySearchSteps: constants, maxIterations: steps },
    "L2CarliniWagnerAttack",
    {
      binary_search_steps: constants,
      steps,
      stepsize: 0.01,
      initial_const: 1e-3,
    },
  );
}

/** Every comparison, AutoAttack first. */
export const rows: readonly Row[] = [
  ...(["plain", "robust"] as const).flatMap((model) => [
    ...digits.flatMap((budget): Row[] => {
      const at = { model, ...budget, samples: SAMPLES };
      return [
        autoAttack(at),
        ...ascents(at),
        ...(budget.norm === "linf" ? signs(at) : []),
      ];
    }),
    ...nearest.map((row) => ({ ...row, model })),
  ]),
  ...colours.map((budget) =>
    autoAttack({ model: "colour", ...budget, samples: FEWER }),
  ),
  ...nearest.map((row) => ({ ...row, model: "colour" as const })),
];

type At = Pick<Row, "model" | "norm" | "samples"> & { readonly eps: number };

function autoAttack(at: At): Row {
  const peer = {
    library: "pyautoattack",
    name: "standard",
    params: {},
  } as const;
  return { ...at, attack: "autoattack", params: {}, peer };
}

/** PGD, and what AutoAttack is made of. */
function ascents(at: At): Row[] {
  const pgd = at.norm === "l2" ? "L2PGD" : "LinfPGD";
  const member = (
    name: string,
    params: Record<string, unknown> = {},
    theirs: Record<string, unknown> = {},
  ): Row => ({
    ...at,
    attack: name,
    params,
    peer: { library: "pyautoattack", name, params: theirs },
  });
  return [
    {
      ...at,
      attack: "pgd",
      params: { steps: 40, restarts: 5, relStepSize: 0.1 },
      peer: {
        library: "foolbox",
        name: pgd,
        params: { steps: 40, rel_stepsize: 0.1, repeat: 5 },
      },
    },
    member("apgd-ce"),
    member("apgd-dlr"),
    member("apgd-t"),
    member("fab-t"),
    member("square", { queries: 1000 }, { n_queries: 1000 }),
  ];
}

/** Steps along the signs of the gradient. */
function signs(at: At): Row[] {
  const sign = (
    attack: string,
    name: string,
    params: Record<string, unknown>,
    theirs: Record<string, unknown>,
  ): Row => ({
    ...at,
    attack,
    params,
    peer: { library: "torchattacks", name, params: theirs },
  });
  const ten = { steps: 10, relStepSize: 0.1 };
  const theirs = { steps: 10, alpha: at.eps / 10 };
  return [
    sign("fgsm", "FGSM", {}, {}),
    sign("bim", "BIM", ten, theirs),
    sign("mi-fgsm", "MIFGSM", ten, theirs),
  ];
}
