import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Check } from "../../../src/audit/results/values.ts";
import type { Evidence } from "../../../src/audit/trust/check.ts";
import {
  allTrustChecks,
  checksOf,
  isTrusted,
  isVoid,
  trustChecks,
} from "../../../src/audit/trust/judge.ts";
import type { AttackProbes } from "../../../src/audit/trust/probes/found.ts";
import { cell, evidence, outcomes } from "../cells.ts";

/** What a further try broke, from the first of the samples on. */
const tries = (broken: number, from = 0) => ({
  tried: 32,
  broken,
  which: Array.from({ length: broken }, (_, i) => from + i),
});

const pgd: Evidence = evidence(cell({ outcomes: outcomes(40, 60) }));

/** The same with its survivors tried again, in vain. */
const probed = (changes: Partial<AttackProbes> = {}): Evidence => ({
  ...pgd,
  probes: {
    standing: 40,
    moreSteps: { ...tries(0), rise: 0 },
    moreRestarts: tries(0),
    moreDraws: null,
    moreQueries: null,
    course: null,
    control: { bits: 4, tried: 32, left: 0, leftBare: 0 },
    unbounded: tries(32),
    otherMeans: {
      scores: { ...tries(0), queries: 300 },
      labels: { ...tries(0), queries: 1000 },
      smoothed: tries(0),
      replays: [],
      untried: [],
    },
    noise: tries(0),
    noiseDraws: 100,
    gradientError: 1e-3,
    alongSteps: { size: 0.1, kept: 1, points: 64 },
    atBoundary: { jump: 1e-5, ways: 16, overRounding: false },
    rising: 0,
    ...changes,
  },
});

const fgsm: Evidence = {
  ...pgd,
  attack: "fgsm",
  family: "single-step",
  outcomes: outcomes(50, 50),
};
const noise: Evidence = {
  ...pgd,
  attack: "noise",
  family: "control",
  access: "none",
  zeroGradientShare: null,
  outcomes: outcomes(90, 10),
};
const square: Evidence = {
  ...noise,
  attack: "square",
  family: "query",
  access: "score",
  outcomes: outcomes(45, 55),
};
const hopskipjump: Evidence = {
  ...square,
  attack: "hopskipjump",
  access: "label",
};
const transfer: Evidence = {
  ...noise,
  attack: "transfer-pgd",
  family: "transfer",
  access: "base",
  outcomes: outcomes(60, 40),
};

/** The checks of a white-box cell that compare it with no other. */
const alone = [
  "budget-kept",
  "clean-preflight",
  "as-published",
  "better-than-guessing",
  "logits-given",
  "repeatable",
  "smooth-nearby",
  "gradients-available",
  "other-means",
];

function find(
  id: string,
  cell: Evidence,
  ...siblings: Evidence[]
): Check | undefined {
  return trustChecks(cell, [cell, ...siblings]).find((one) => one.id === id);
}

function status(id: string, cell: Evidence, ...siblings: Evidence[]) {
  return find(id, cell, ...siblings)?.status;
}

describe("a sound run", () => {
  it("passes every check that applies", () => {
    const unbounded = { ...pgd, eps: 0.5, outcomes: outcomes(8, 92) };
    const apgd = { ...pgd, attack: "apgd-ce" };
    const all = [
      pgd,
      apgd,
      fgsm,
      noise,
      transfer,
      square,
      hopskipjump,
      unbounded,
    ];
    const moreDraws = { ...tries(0), before: 20, draws: 40 };
    const checks = trustChecks(probed({ moreDraws }), all);
    // Nothing is smaller than eps 0.1 here, there is no defence, and a gradient.
    const elsewhere = [
      "monotone-in-eps",
      "breaks-undefended",
      "converged-in-queries",
    ];
    expect(checks.map(({ id }) => id)).toEqual([
      ...allTrustChecks
        .map(({ id }) => id)
        .filter((id) => !elsewhere.includes(id)),
      "warnings-together",
    ]);
    expect(status("monotone-in-eps", unbounded, pgd)).toBe("passed");
    const open = { ...pgd, outcomes: outcomes(5, 95) };
    const behind = { ...pgd, defense: "blur" };
    expect(status("breaks-undefended", behind, open)).toBe("passed");
    expect(checks.every((check) => check.status === "passed")).toBe(true);
    expect(isTrusted(checks)).toBe(true);
  });

  it("needs no siblings", () => {
    expect(trustChecks(pgd, []).map(({ id }) => id)).toEqual(alone);
  });
});

describe("budget-kept", () => {
  it.each([
    [{ maxDistance: 0.1 }, "passed"],
    [{ maxDistance: 0.1 + 5e-8 }, "passed"],
    [{ maxDistance: 0.1001 }, "failed"],
    [{ maxDistance: Number.NaN }, "failed"],
    [{ outOfBounds: 1 }, "failed"],
    [{ nonFinite: 1 }, "failed"],
    // float32 knows a value near 255 only to 1.5e-5.
    [{ boundsWidth: 255, eps: 8, maxDistance: 8.00002 }, "passed"],
    [{ boundsWidth: 255, eps: 8, maxDistance: 8.0001 }, "failed"],
  ])("of %j is %s", (change, expected) => {
    expect(status("budget-kept", { ...pgd, ...change })).toBe(expected);
  });

  it("names every fault and voids the number", () => {
    const cell = { ...pgd, maxDistance: 0.2, outOfBounds: 3 };
    const checks = trustChecks(cell, []);
    expect(checks[0]?.message).toBe(
      "The attack went to linf distance 0.2 of 0.1 allowed, and left the input bounds on 3 samples: correct the attack, its number means nothing.",
    );
    expect(isTrusted(checks)).toBe(false);
    expect(isVoid(checks)).toBe(true);
  });
});

it("as-published warns of what an attack did otherwise, and of nothing else", () => {
  const found = (notes: string[]) =>
    find("as-published", { ...pgd, notes })?.status;
  expect(found([])).toBe("passed");
  expect(found(["the DLR loss needs 3 classes"])).toBe("warned");
});

it("clean-preflight fails on a single difference", () => {
  const check = find("clean-preflight", { ...pgd, cleanMismatch: 1 });
  expect(check?.status).toBe("failed");
  expect(check?.message).toMatch(/^1 sample of 100 is classified otherwise/);
});

it.each([
  [0, "passed"],
  [0.05, "warned"],
  [0.051, "failed"],
  [null, undefined],
])("gradients-available with a share of %s is %s", (share, expected) => {
  const cell = { ...pgd, zeroGradientShare: share };
  expect(status("gradients-available", cell)).toBe(expected);
  expect(isVoid(trustChecks(cell, []))).toBe(false);
});

it.each([
  [50, "passed"],
  [39, "passed"],
  [38, "failed"],
])(
  "iterative-beats-single-step against %i robust is %s",
  (robust, expected) => {
    const single = { ...fgsm, outcomes: outcomes(robust, 100 - robust) };
    const id = "iterative-beats-single-step";
    expect(status(id, pgd, single)).toBe(expected);
    expect(status(id, single, pgd)).toBeUndefined();
  },
);

describe("breaks-control", () => {
  const id = "breaks-control";
  const left = (left: number, leftBare: number) =>
    probed({ control: { bits: 4, tried: 32, left, leftBare } });

  it("fails where what is known to be broken stands, and the bare candidate does not", () => {
    expect(status(id, left(3, 0))).toBe("passed");
    expect(status(id, left(4, 1))).toBe("failed");
    expect(find(id, left(32, 0))?.message).toMatch(
      /^Of 32 samples behind a control, .* 4 bits, pgd leaves 100\.0 % robust, and without the rounding 0\.0 %/,
    );
  });

  it("says nothing where the candidate withstands the attack by itself, or there was no control", () => {
    expect(status(id, left(4, 2))).toBeUndefined();
    expect(status(id, probed({ control: null }))).toBeUndefined();
  });
});

describe("monotone-in-eps", () => {
  const at = (eps: number, robust: number, family = pgd.family): Evidence => ({
    ...pgd,
    family,
    eps,
    outcomes: outcomes(robust, 100 - robust),
  });

  it("allows one sample, over any pair of eps", () => {
    expect(status("monotone-in-eps", at(0.2, 41), pgd)).toBe("passed");
    expect(status("monotone-in-eps", at(0.2, 42), pgd)).toBe("failed");
    expect(status("monotone-in-eps", at(0.3, 42), at(0.2, 50), pgd)).toBe(
      "failed",
    );
    expect(status("monotone-in-eps", pgd, at(0.2, 90))).toBeUndefined();
  });

  it("says once, at the end, that a sweep is short", () => {
    const along = (eps: number) => ({ ...at(eps, 20), named: false });
    const id = "monotone-in-eps";
    const short = [along(0.12), along(0.2)];
    expect(find(id, along(0.3), pgd, ...short)?.message).toMatch(
      /^Of 4 budgets, .*: a sweep of 6 or more shows the course\.$/,
    );
    expect(status(id, along(0.2), pgd, along(0.3))).toBe("passed");
    const whole = [...short, along(0.22), along(0.25)];
    expect(status(id, along(0.3), pgd, ...whole)).toBe("passed");
    // Two threat models are no sweep.
    expect(status(id, at(0.2, 20), pgd)).toBe("passed");
  });

  it("only warns of a single step, which overshoots", () => {
    const near = at(0.1, 40, "single-step");
    expect(status("monotone-in-eps", at(0.2, 60, "single-step"), near)).toBe(
      "warned",
    );
  });
});

describe("reaches-chance", () => {
  const unbounded = (robust: number): Evidence => ({
    ...pgd,
    eps: 0.5,
    outcomes: outcomes(robust, 100 - robust),
  });

  it("fails at every eps of the attack that cannot break everything", () => {
    expect(status("reaches-chance", pgd, unbounded(10))).toBe("passed");
    expect(status("reaches-chance", pgd, unbounded(16))).toBe("passed");
    expect(status("reaches-chance", pgd, unbounded(30))).toBe("failed");
    expect(status("reaches-chance", unbounded(30))).toBe("failed");
  });

  it("needs half the input range, in linf, of the same iterative attack", () => {
    const id = "reaches-chance";
    expect(status(id, pgd, { ...unbounded(90), eps: 0.4 })).toBeUndefined();
    expect(status(id, pgd, { ...unbounded(90), norm: "l2" })).toBeUndefined();
    expect(
      status(id, pgd, { ...unbounded(90), attack: "apgd" }),
    ).toBeUndefined();
    const wide = { ...unbounded(90), eps: 1, boundsWidth: 2 };
    expect(status(id, { ...pgd, boundsWidth: 2 }, wide)).toBe("failed");
    expect(status(id, { ...fgsm, eps: 0.5 })).toBeUndefined();
  });
});

describe("what is tried again", () => {
  it.each([
    ["converged-in-steps", "moreSteps"],
    ["converged-in-restarts", "moreRestarts"],
    ["converged-in-draws", "moreDraws"],
    ["converged-in-queries", "moreQueries"],
    ["noise-finds-nothing", "noise"],
  ] as const)("%s forgives one sample, and less than a point", (id, key) => {
    const more = { rise: null, before: 1, draws: 20 };
    const broke = (broken: number, standing = 40) =>
      status(id, probed({ [key]: { ...tries(broken), ...more }, standing }));
    expect(broke(0)).toBe("passed");
    expect(broke(1)).toBe("warned");
    expect(broke(2)).toBe("failed");
    expect(status(id, { ...probed(), probes: null })).toBeUndefined();
    expect(
      status(id, {
        ...probed({ [key]: { ...tries(2), ...more }, standing: 32 }),
        outcomes: outcomes(32, 968),
      }),
    ).toBe("warned");
  });

  it.each([
    [1.4, "passed"],
    [0.5, "passed"],
    [0.3, "warned"],
    [0.05, "failed"],
    [-2, "failed"],
  ])(
    "gradient-agrees of a loss that does %d of what the gradient says over a step is %s",
    (kept, expected) => {
      const alongSteps = { size: 0.1, kept, points: 64 };
      const cell = probed({ alongSteps, gradientError: 1e-3 });
      expect(status("gradient-agrees", cell)).toBe(expected);
      expect(status("gradient-agrees", { ...cell, probes: null })).toBe(
        undefined,
      );
    },
  );

  it.each([
    [1e-5, false, "passed"],
    [0.09, false, "passed"],
    [0.1, false, "failed"],
    [1, false, "failed"],
    [0.3, true, "passed"],
    [0.5, true, "failed"],
  ])(
    "scores-tell of a margin of which %d falls in one jump, over rounding: %s, is %s",
    (jump, overRounding, expected) => {
      const cell = probed({ atBoundary: { jump, ways: 16, overRounding } });
      expect(status("scores-tell", cell)).toBe(expected);
      expect(status("scores-tell", probed({ atBoundary: null }))).toBe(
        undefined,
      );
    },
  );

  it("gradients-available withholds what found nothing to follow, unless another part of it ran", () => {
    const none = { ...pgd, noGradient: "no rule for trees" };
    expect(status("gradients-available", none)).toBe("failed");
    expect(status("gradients-available", { ...none, searches: true })).toBe(
      "warned",
    );
  });

  it("reaches-chance asks the survivors when no cell has the budget", () => {
    const left = (broken: number) =>
      status("reaches-chance", probed({ unbounded: tries(broken) }));
    expect(left(32)).toBe("passed");
    expect(left(28)).toBe("passed");
    expect(left(10)).toBe("failed");
  });

  it.each([
    [0.01, "passed"],
    [0.3, "warned"],
    [0.9, "failed"],
    [Number.NaN, "failed"],
  ])("gradient-agrees of an error of %d is %s", (gradientError, expected) => {
    expect(status("gradient-agrees", probed({ gradientError }))).toBe(expected);
  });

  it.each([
    [null, "passed"],
    [-0.1, "passed"],
    [0.01, "passed"],
    [0.02, "warned"],
  ])(
    "converged-in-steps of a loss that rises by %s is %s",
    (rise, expected) => {
      const moreSteps = { ...tries(0), rise };
      expect(status("converged-in-steps", probed({ moreSteps }))).toBe(
        expected,
      );
    },
  );

  it("converged-in-draws says how many draws broke what", () => {
    const moreDraws = { ...tries(8), before: 1, draws: 20 };
    expect(find("converged-in-draws", probed({ moreDraws }))?.message).toMatch(
      /^pgd with 20 draws a gradient instead of 1 broke 8 of 32 samples/,
    );
  });

  it("converged-in-draws shows the course of success by draws", () => {
    const moreDraws = { ...tries(0), before: 20, draws: 40 };
    const course = [1, 20, 100].map((draws, i) => ({
      ...tries(4 + 2 * i),
      tried: 10,
      draws,
    }));
    expect(
      find("converged-in-draws", probed({ moreDraws, course }))?.message,
    ).toMatch(
      /\. Success on 10 samples by draws a gradient: 40\.0 % at 1, 60\.0 % at 20, 80\.0 % at 100\.$/,
    );
  });

  it("stopped-rising warns where the loss had not come to rest", () => {
    expect(status("stopped-rising", probed({ rising: 0.02 }))).toBe("passed");
    expect(status("stopped-rising", probed({ rising: 0.4 }))).toBe("warned");
  });
});

describe("the model itself", () => {
  const seen = (change: Partial<Evidence["model"]>) => ({
    ...pgd,
    model: { ...pgd.model, ...change },
  });

  it("has to give logits, and the same each time", () => {
    expect(status("logits-given", seen({ probabilities: true }))).toBe(
      "failed",
    );
    expect(status("repeatable", seen({ changed: 1 }))).toBe("failed");
    expect(status("repeatable", seen({ apart: 0.01 }))).toBe("failed");
    expect(status("repeatable", { ...seen({ changed: 1 }), draws: 20 })).toBe(
      "warned",
    );
  });

  it("is warned of where small noise moves it", () => {
    expect(status("smooth-nearby", seen({ sensitivity: 0.5 }))).toBe("warned");
  });
});

describe("keeps-up", () => {
  const id = "keeps-up";
  const apgd = { ...pgd, attack: "apgd-ce" };

  it("fails only what is far behind another attack of its access and budget", () => {
    const behind = { ...pgd, outcomes: outcomes(78, 22) };
    expect(status(id, behind, apgd)).toBe("failed");
    expect(status(id, apgd, behind)).toBe("passed");
    expect(status(id, { ...pgd, outcomes: outcomes(50, 50) }, apgd)).toBe(
      "passed",
    );
    // Of ten samples two may go either way.
    const few = { ...pgd, outcomes: outcomes(5, 5) };
    expect(status(id, few, { ...apgd, outcomes: outcomes(3, 7) })).toBe(
      "passed",
    );
  });

  it("compares nothing with a single step, queries, another norm or another budget", () => {
    const all = [
      fgsm,
      { ...square, outcomes: outcomes(10, 90) },
      { ...apgd, norm: "l2" as const },
      { ...apgd, eps: 0.2 },
    ];
    expect(status(id, { ...pgd, outcomes: outcomes(99, 1) }, ...all)).toBe(
      undefined,
    );
  });
});

describe("better-than-guessing", () => {
  it.each([
    [{ oneAnswer: true }, "failed"],
    [{ pValue: 0.2 }, "failed"],
    [{ pValue: 0.2, least: 0.3 }, "warned"],
    [{}, "passed"],
  ])("of %j is %s, and no low number is void for it", (odd, expected) => {
    const guesswork = { ...pgd.guesswork!, ...odd };
    const cell = { ...pgd, guesswork };
    expect(status("better-than-guessing", cell)).toBe(expected);
    expect(isVoid(trustChecks(cell, [cell]))).toBe(false);
  });
});

describe("other-means", () => {
  const id = "other-means";

  it("fails where what was tried on what stood broke more than the attack missed by luck", () => {
    const tried = (scores: number, smoothed: number) =>
      probed({
        otherMeans: {
          scores: { ...tries(scores), queries: 300 },
          labels: null,
          smoothed: tries(smoothed),
          replays: [],
          untried: [],
        },
      });
    expect(status(id, tried(0, 0))).toBe("passed");
    expect(status(id, tried(1, 0), square, hopskipjump)).toBe("warned");
    expect(status(id, tried(4, 0), square, hopskipjump)).toBe("failed");
    expect(find(id, tried(1, 4))?.message).toContain("smoothed copy");
    const beside = probed().probes!.otherMeans!;
    const replays = [{ ...tries(4), through: "the public base" }];
    const labels = { ...tries(4), queries: 1000 };
    for (const [found, word] of [
      [{ replays }, "the public base"],
      [{ labels }, "by labels alone"],
    ] as const)
      expect(
        find(id, probed({ otherMeans: { ...beside, ...found } })),
      ).toMatchObject({
        status: "failed",
        message: expect.stringContaining(word),
      });
    expect(status(id, probed({ otherMeans: null }))).toBe("warned");
  });

  it("names all that was tried, and whose examples could not be had and why, whatever came of it", () => {
    const beside = probed().probes!.otherMeans!;
    const untried = [
      { through: "the candidate Wild", why: "since model Wild failed" },
    ];
    const tried = (broken: number, scores = beside.scores) => {
      const replays = [{ ...tries(broken), through: "the candidate Plain" }];
      const otherMeans = { ...beside, scores, replays, untried };
      return find(id, probed({ otherMeans }))?.message;
    };
    const notTried =
      "Not tried: examples of the candidate Wild, since model Wild failed.";
    const others =
      "a search by labels alone (hopskipjump, 1000 queries)XX; gradients of a smoothed copy of the modelXX";
    const byScores = "a search by scores (square, 300 queries)XX; ";
    expect(tried(0)).toBe(
      `Of 32 samples that were left standing none was broken: ${byScores}${others}; examples of the candidate Plain. ${notTried}`.replaceAll(
        "XX",
        "",
      ),
    );
    expect(tried(4)).toMatch(
      /^Examples of the candidate Plain broke 4 of 32 samples/,
    );
    expect(tried(4)).toContain(
      ` Tried besides: ${byScores}${others}. ${notTried}`.replaceAll(
        "XX",
        " broke 0",
      ),
    );
    expect(tried(0, null)).toMatch(
      /^No attack by scores .* it to the suite\. Of 32 .*Plain\. Not tried: /,
    );
  });

  it("warns where no attack by scores or none by labels ran", () => {
    expect(status(id, pgd, square, hopskipjump)).toBe("passed");
    expect(find(id, pgd)?.message).toMatch(
      /^No attack by scores \(square\) and none by labels alone/,
    );
    expect(find(id, pgd, square)?.message).toMatch(
      /^No attack by labels alone/,
    );
    const elsewhere = { ...hopskipjump, eps: 0.2 };
    expect(status(id, pgd, square, elsewhere)).toBe("warned");
  });

  it("counts what an ensemble does by scores, asks for labels only where there is such an attack, and nothing of a sweep", () => {
    const ensemble = { ...pgd, searches: true };
    expect(status(id, ensemble, hopskipjump)).toBe("passed");
    expect(status(id, { ...ensemble, norm: "l1" })).toBe("passed");
    expect(status(id, { ...pgd, named: false })).toBeUndefined();
    expect(status(id, fgsm)).toBeUndefined();
  });
});

it("breaks-undefended warns where the undefended candidate withstands the attack", () => {
  const id = "breaks-undefended";
  const behind = { ...pgd, defense: "blur" };
  const left = (robust: number): Evidence => ({
    ...pgd,
    outcomes: outcomes(robust, 100 - robust),
  });
  expect(status(id, behind, left(5))).toBe("passed");
  expect(status(id, behind, left(6))).toBe("warned");
  expect(status(id, behind, { ...left(90), eps: 0.2 })).toBeUndefined();
  expect(status(id, pgd, left(90))).toBeUndefined();
});

describe("beats-queries", () => {
  it("warns when an attack without gradients breaks more", () => {
    expect(status("beats-queries", pgd, square)).toBe("passed");
    const strong = { ...square, outcomes: outcomes(30, 70) };
    expect(status("beats-queries", pgd, strong)).toBe("warned");
  });
});

describe("beats-noise", () => {
  const id = "beats-noise";

  it("fails when noise breaks more in all", () => {
    const loud = { ...noise, outcomes: outcomes(39, 61) };
    expect(status(id, pgd, loud)).toBe("failed");
    expect(status(id, fgsm, loud)).toBe("failed");
  });

  it("warns of samples that only noise broke, by name", () => {
    const elsewhere = { ...noise, outcomes: `000${outcomes(97, 0)}` };
    const check = find(id, pgd, elsewhere);
    expect(check?.status).toBe("warned");
    expect(check?.message).toContain("only noise broke 3 samples (0, 1, 2)");
    const once = { ...noise, outcomes: `0${outcomes(99, 0)}` };
    expect(status(id, pgd, once)).toBe("warned");
  });
});

describe("beats-transfer", () => {
  const id = "beats-transfer";
  const strong = { ...transfer, outcomes: outcomes(30, 70) };

  it("fails an iterative attack that does worse in all", () => {
    expect(status(id, pgd, transfer)).toBe("passed");
    expect(status(id, pgd, strong)).toBe("failed");
  });

  it("only warns of a single step", () => {
    expect(status(id, fgsm, strong)).toBe("warned");
  });
});

describe("comparisons", () => {
  const damning: Evidence[] = [
    { ...fgsm, outcomes: outcomes(0, 100) },
    { ...noise, outcomes: outcomes(0, 100) },
    { ...transfer, outcomes: outcomes(0, 100) },
    { ...pgd, eps: 0.01, outcomes: outcomes(0, 100) },
    { ...pgd, eps: 0.9, outcomes: outcomes(99, 1) },
  ];

  it("judge only gradient attacks that count", () => {
    const only = [
      "budget-kept",
      "clean-preflight",
      "as-published",
      "better-than-guessing",
    ];
    const ids = (cell: Evidence) =>
      trustChecks(cell, damning).map((check) => check.id);
    expect(ids({ ...pgd, access: "score", zeroGradientShare: null })).toEqual(
      only,
    );
    expect(ids(noise)).toEqual(only);
    expect(ids(transfer)).toEqual(only);
    expect(ids({ ...pgd, defense: "blur", adaptive: false })).toEqual(only);
    expect(isTrusted(trustChecks(pgd, damning))).toBe(false);
    expect(isTrusted(trustChecks({ ...pgd, adaptive: false }, damning))).toBe(
      false,
    );
  });

  it("look only at the same candidate, defence, norm and samples", () => {
    const changes: Partial<Evidence>[] = [
      { candidate: "head" },
      { defense: "blur" },
      { norm: "l2" },
      { outcomes: outcomes(0, 50) },
    ];
    for (const change of changes) {
      const others = damning.map((one) => ({ ...one, ...change }));
      expect(trustChecks(pgd, others)).toHaveLength(alone.length);
    }
    const asIs = damning.map((one) => ({ ...one, adaptive: false }));
    const defended = (one: Evidence) => ({ ...one, defense: "blur" });
    expect(trustChecks(defended(pgd), asIs.map(defended))).toHaveLength(
      alone.length,
    );
  });

  it("never fail an attack that dominates all others", () => {
    const outcome = fc.string({
      unit: fc.constantFrom("1", "0"),
      minLength: 30,
      maxLength: 30,
    });
    fc.assert(
      fc.property(outcome, outcome, outcome, (a, b, c) => {
        const best = [...a]
          .map((bit, i) =>
            bit === "1" && b[i] === "1" && c[i] === "1" ? 1 : 0,
          )
          .join("");
        const whole = { ...pgd, named: false, outcomes: best };
        const checks = trustChecks(whole, [
          { ...fgsm, outcomes: a },
          { ...noise, outcomes: b },
          { ...transfer, outcomes: c },
        ]);
        expect(checks.every((check) => check.status === "passed")).toBe(true);
      }),
    );
  });
});

describe("warnings-together", () => {
  const id = "warnings-together";
  const rising = { rising: 0.4 };
  const rough = { alongSteps: { size: 0.1, kept: 0.3, points: 64 } };
  const beside = probed().probes!.otherMeans!;
  const scores = (one: ReturnType<typeof tries>) => ({
    otherMeans: { ...beside, scores: { ...one, queries: 300 } },
  });

  it("counts a sample once, whatever broke it, and withholds what is more than a few", () => {
    const moreRestarts = tries(1);
    const same = probed({ moreRestarts, ...scores(tries(1)) });
    expect(status(id, same)).toBe("passed");
    expect(isTrusted(trustChecks(same, [same]))).toBe(true);
    const other = probed({ moreRestarts, ...scores(tries(2, 1)) });
    expect(find(id, other)).toMatchObject({
      status: "failed",
      message: expect.stringContaining("broke 3 of 32 samples"),
    });
    const many = { ...other, outcomes: outcomes(40, 960) };
    expect(status(id, many)).toBe("passed");
  });

  it("withholds where two warnings of different kinds point one way, not of one kind", () => {
    for (const one of [rising, rough]) {
      const cell = probed(one);
      expect(status(id, cell)).toBe("passed");
      expect(isTrusted(trustChecks(cell, [cell]))).toBe(true);
    }
    const both = probed({ ...rising, ...rough });
    expect(status(id, both)).toBe("failed");
    expect(isTrusted(trustChecks(both, [both]))).toBe(false);
    const kinks = probed({ ...rising, gradientError: 0.2 });
    expect(status("gradient-agrees", kinks)).toBe("warned");
    expect(status(id, kinks)).toBe("passed");
    const moreSteps = { ...tries(0), rise: 0.2 };
    expect(status(id, probed({ ...rising, moreSteps }))).toBe("passed");
    const few = {
      ...probed({ moreRestarts: tries(2) }),
      outcomes: outcomes(40, 960),
    };
    const zero = { zeroGradientShare: 0.01 };
    expect(status(id, { ...few, ...zero })).toBe("failed");
    const none = { noGradient: "no rule for trees", searches: true };
    expect(status(id, { ...few, ...none })).toBe("passed");
    // One sample more by luck is no sign of its own.
    expect(status(id, probed({ ...rising, moreRestarts: tries(1) }))).toBe(
      "passed",
    );
  });
});

it("every check has an id and says something in one sentence", () => {
  const ids = allTrustChecks.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const all = [probed(), fgsm, noise, transfer, square];
  for (const check of all.flatMap((one) => trustChecks(one, all))) {
    expect(check.message).toMatch(/^[^\n]+\.$/);
  }
});

describe("checks of modules from outside", () => {
  const judge = (judge: () => unknown, id = "mine") =>
    checksOf([{ id, title: "Mine", judge }]);

  it("judge numbers that count beside ours", () => {
    const finding = { status: "failed", message: "It is Monday." };
    const checks = trustChecks(
      pgd,
      [pgd],
      judge(() => finding),
    );
    expect(checks.at(-1)).toEqual({ id: "mine", title: "Mine", ...finding });
    const silent = judge(() => undefined);
    expect(trustChecks(pgd, [pgd], silent)).toEqual(trustChecks(pgd, [pgd]));
  });

  it("fail where they throw", () => {
    const thrower = judge(() => {
      throw new Error("no luck");
    });
    expect(trustChecks(pgd, [pgd], thrower).at(-1)).toMatchObject({
      status: "failed",
      message: "It could not judge: no luck.",
    });
  });

  it("are refused under the name of one of ours", () => {
    expect(() => judge(() => undefined, "budget-kept")).toThrow(
      'trust check "budget-kept": Assay has one of that id',
    );
  });
});
