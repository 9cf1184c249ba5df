import { labelFlip, type Poison, type Poisoning, poisoned } from "#attacks";
import { percent } from "#core";
import type { Dataset } from "#data";
import type { Check, Finding } from "../../results/index.ts";
import {
  type Outcome,
  type Protocol,
  pairedFinding,
  shareFinding,
  type TrialInput,
} from "../trial.ts";
import type { Retuned } from "../victim.ts";
import {
  classesOf,
  countsOf,
  filterFindings,
  keptPoison,
  openAttacker,
} from "./poisons.ts";

type Here = TrialInput<Poisoning, { budgets: number[] }>;

/** So many samples that somebody poisons. */
interface Arm {
  readonly count: number;
  readonly by: Poisoning;
  readonly at: string;
}

/** What a victim says of the test samples after a poisoning. */
interface Said extends Pick<Retuned, "filtered"> {
  readonly count: number;
  readonly at: string;
  readonly classes: Int32Array;
  /** None where nothing was poisoned. */
  readonly poison?: Poison;
  readonly isControl: boolean;
}

/**
 * Pours more and more poison into the fine-tuning set, and measures what is left of the
 * accuracy; of a poisoning that is meant for one class, how many of its samples are
 * taken for the other. Beside it: the victim without poison, and as many random labels.
 */
export const poisoning: Protocol<Poisoning, { budgets: number[] }> = {
  kind: "poisoning",
  stages: ({ unit, params, data }) => [
    armsOf(unit, params.budgets, data.train.y.length).map(({ at }) => ({
      name: at,
    })),
  ],
  run,
};

function armsOf(
  unit: Poisoning,
  budgets: readonly number[],
  samples: number,
): Arm[] {
  const counts = countsOf(budgets, samples);
  const arms = counts.map(
    (count): Arm => ({ count, by: unit, at: `${count} poisons` }),
  );
  const largest = counts.at(-1) as number;
  // The random flips are their own control.
  if (unit.id !== labelFlip.id)
    arms.push({
      count: largest,
      by: labelFlip,
      at: `${largest} random labels`,
    });
  return arms;
}

async function run(input: Here): Promise<Outcome> {
  const { victim, unit, params } = input;
  const clean = await victim.retune({});
  const none: Said = {
    ...clean,
    count: 0,
    at: "no poison",
    classes: await classesOf(clean.model, victim.data.test.x, input),
    isControl: true,
  };
  const arms = armsOf(unit, params.budgets, victim.data.train.y.length);
  return outcomeOf([none, ...(await poisonedBy(arms, input))], input);
}

async function poisonedBy(arms: readonly Arm[], input: Here): Promise<Said[]> {
  const { victim, unit, random, once } = input;
  const { train, test } = victim.data;
  const { release, ...attacker } = openAttacker(input);
  return input
    .each(
      arms,
      ({ at }) => at,
      async ({ count, by, at }): Promise<Said> => {
        const poison = await keptPoison(once, at, train, () =>
          by.poison({
            ...attacker,
            count,
            random: random.fork(by === unit ? "poison" : "control"),
            onProgress: (part) => input.onProgress(part / 2),
          }),
        );
        const { model, filtered } = await victim.retune({
          train: poisoned(train, poison),
        });
        input.onProgress(1);
        const classes = await classesOf(model, test.x, input);
        const isControl = by !== unit;
        return { count, at, classes, filtered, poison, isControl };
      },
    )
    .finally(release);
}

/**
 * @param said without poison, with more and more of it, and the control of random
 *   labels last where there is one
 */
function outcomeOf(
  said: readonly Said[],
  { victim, unit, params }: Here,
): Outcome {
  const { train, test } = victim.data;
  const [none] = said as [Said];
  const own = said.filter((one) => one === none || !one.isControl);
  const last = own.at(-1) as Said;
  const pair = unit.confuses?.(params, train);
  const findingOf = (
    one: Said,
    words: Pick<Finding, "id" | "title" | "attacker">,
    isHeadline: boolean,
    [k, n]: readonly [number, number],
  ) => {
    const best = one === last && isHeadline ? "headline" : "detail";
    const role = one.isControl ? "control" : best;
    return shareFinding({ ...words, at: one.at, role }, k, n);
  };
  const accuracy = said.map((one) =>
    findingOf(
      one,
      { id: "accuracy", title: "Test accuracy", attacker: "down" },
      !pair,
      [rightOf(one, test).filter(Boolean).length, test.y.length],
    ),
  );
  const title =
    pair &&
    `Samples of ${train.classes[pair.from]} taken for ${train.classes[pair.to]}`;
  const confusion = said.flatMap((one) =>
    pair && title
      ? [
          findingOf(
            one,
            { id: "confusion", title, attacker: "up" },
            true,
            confused(one, test, pair),
          ),
        ]
      : [],
  );
  const points = (findings: readonly Finding[]) =>
    own.flatMap(({ count }, i) => {
      const { value = null, low = null, high = null } = findings[i] ?? {};
      return value === null ? [] : [{ x: count, y: value, low, high }];
    });
  const chance = 1 / train.classes.length;
  return {
    findings: [
      ...confusion,
      ...accuracy,
      ...(pair ? [costOf(none, last, test)] : []),
      ...filterFindings(
        none,
        last.poison ? [{ ...last, poison: last.poison }] : [],
        { samples: train.y.length, at: last.at },
      ),
    ],
    charts: [
      {
        id: "accuracy",
        title: "Accuracy against the number of poisons",
        x: { label: "poisoned samples", scale: "linear" },
        y: { label: "share of test samples", scale: "share" },
        lines: [
          { name: "accuracy", points: points(accuracy) },
          ...(pair
            ? [{ name: "taken for the other", points: points(confusion) }]
            : []),
        ],
      },
    ],
    pictures: [],
    notes: [],
    checks: pair
      ? checksOf(confusion, { chance, up: true })
      : checksOf(accuracy, { chance, up: false }),
  };
}

const rightOf = ({ classes }: Said, { y }: Dataset): boolean[] =>
  Array.from(classes, (c, i) => c === y[i]);

/** How many samples of one class are taken for the other, of how many. */
function confused(
  { classes }: Said,
  { y }: Dataset,
  { from, to }: { from: number; to: number },
): [number, number] {
  const own = [...y.keys()].filter((i) => y[i] === from);
  return [own.filter((i) => classes[i] === to).length, own.length];
}

/** What a poisoning costs in accuracy, on the same samples. */
const costOf = (before: Said, after: Said, test: Dataset): Finding =>
  pairedFinding(
    {
      id: "accuracy-cost",
      title: "Test accuracy lost",
      role: "cost",
      attacker: null,
      at: after.at,
    },
    rightOf(before, test),
    rightOf(after, test),
  );

/**
 * Whether the controls behave: no poison does nothing, and as many
 * random labels do less.
 */
function checksOf(
  findings: readonly Finding[],
  { chance, up }: { chance: number; up: boolean },
): Check[] {
  const controls = findings.filter((f) => f.role === "control");
  const attack = findings.find((f) => f.role === "headline");
  // Accuracy has to be above chance without poison. A confusion must not be.
  const bad = controls.filter(({ at, low, value }) =>
    value === null || low === null
      ? false
      : up
        ? low > chance
        : at === "no poison" && low <= chance,
  );
  const listed = (some: readonly Finding[]) =>
    some.map((f) => `with ${f.at} it is ${percent(f.value ?? 0)}`).join(", ");
  const checks: Check[] = [
    {
      id: "poison-control",
      title: "Without the attack there is nothing to see",
      status: bad.length > 0 ? "failed" : "passed",
      message:
        bad.length > 0
          ? `${listed(bad)}, where chance is ${percent(chance)}; train the candidate better, or poison less`
          : `chance is ${percent(chance)}, and ${listed(controls)}`,
    },
  ];
  const random = controls.find((f) => f.at?.endsWith("random labels"));
  if (!random || !attack || random.value === null || attack.value === null)
    return checks;
  const more = up ? attack.value > random.value : attack.value < random.value;
  return [
    ...checks,
    {
      id: "beats-random-labels",
      title: "The choice of labels matters",
      status: more ? "passed" : "warned",
      message: `${percent(attack.value)} with chosen labels, ${percent(random.value)} with as many random ones${more ? "" : "; a worse poisoning than that is there to be found"}`,
    },
  ];
}
