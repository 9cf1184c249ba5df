import { type Poison, poisoned, type TargetedPoisoning } from "#attacks";
import { percent, UsageError } from "#core";
import { type Dataset, labelOf } from "#data";
import { type FloatTensor, takeRows } from "#onnx";
import type { Chart, Check, Finding } from "../../results/index.ts";
import {
  crossedFinding,
  crossedLoss,
  type Outcome,
  type Protocol,
  shareFinding,
  type TrialInput,
} from "../trial.ts";
import type { Retuned } from "../victim.ts";
import {
  classesOf,
  countsOf,
  filterFindings,
  keptPoison,
  largestChange,
  openAttacker,
  poisonPictures,
  shuffled,
} from "./poisons.ts";

type Params = {
  budgets: number[];
  targets: number;
  from?: string;
  to?: string;
};

type Here = TrialInput<TargetedPoisoning, Params>;

/** A test sample that is aimed at. */
interface Target {
  readonly row: number;
  readonly to: number;
}

/** What came of one poisoning. */
interface Shot {
  readonly target: Target;
  readonly poison: Poison;
  readonly filtered: Retuned["filtered"];
  readonly hit: boolean;
  /** Of each test sample, whether it is right. */
  readonly right: readonly boolean[];
}

/** Shots with the same number of poisons. */
interface Round {
  readonly count: number;
  readonly at: string;
  readonly shots: readonly Shot[];
}

/**
 * Aims poisons at one test sample after another, with more and more of them, and counts
 * the targets that get the wanted class: targets are drawn among those that the
 * candidate has right without poison, so that none is a hit before. Every fine-tuning
 * has the seed of the candidate, so intervals are over targets alone. Beside it: the
 * victim without poison, and, at the largest count, the same changes with their
 * numbers shuffled within each sample, which are as large and were not optimised.
 */
export const targetedPoisoning: Protocol<TargetedPoisoning, Params> = {
  kind: "targeted-poisoning",
  stages({ params, data }) {
    const arms = armsOf(params.budgets, data.train.y.length);
    const namesOf = (arm: Arm) =>
      Array.from({ length: params.targets }, (_, at) => ({
        name: nameOf(arm, at),
      }));
    const isOwn = ({ own }: Arm) => own;
    // What is shuffled was made before.
    return [
      arms.filter(isOwn).flatMap(namesOf),
      arms.filter((arm) => !isOwn(arm)).flatMap(namesOf),
    ];
  },
  run,
};

/** So many poisons, as they are or shuffled. */
interface Arm {
  readonly count: number;
  readonly at: string;
  readonly own: boolean;
}

function armsOf(budgets: readonly number[], samples: number): Arm[] {
  const counts = countsOf(budgets, samples);
  const largest = counts.at(-1) as number;
  return [
    ...counts.map((count) => ({ count, at: `${count} poisons`, own: true })),
    { count: largest, at: `${largest} poisons, shuffled`, own: false },
  ];
}

/** @param target which of the targets, from 0 */
const nameOf = ({ at }: Arm, target: number): string =>
  `${at} for target ${target + 1}`;

async function run(input: Here): Promise<Outcome> {
  const { victim, unit, params, random } = input;
  const { train, test } = victim.data;
  const { release, ...attacker } = openAttacker(input);
  const targets = await targetsOf(input);
  const clean = await victim.retune({});
  const before = await classesOf(clean.model, test.x, input);
  const shoot = async ({ count, own }: Arm, target: Target): Promise<Shot> => {
    const { row, to } = target;
    const stream = random.fork(`poison ${row}`);
    const made = await keptPoison(
      input.once,
      `${count} poisons for ${row} as ${to}`,
      train,
      () =>
        unit.poison({
          ...attacker,
          count,
          random: stream,
          aim: { x: takeRows(test.x, [row]), to },
          onProgress: (part) => input.onProgress(part / 2),
        }),
    );
    const poison = own
      ? made
      : shuffled(made, train, attacker.bounds, stream.fork("shuffle"));
    const then = await victim.retune({ train: poisoned(train, poison) });
    const classes = await classesOf(then.model, test.x, input);
    input.onProgress(1);
    return {
      target,
      poison,
      filtered: then.filtered,
      hit: classes[row] === to,
      right: rightOf(classes, test.y),
    };
  };
  const round = async (arms: readonly Arm[]): Promise<Round[]> => {
    const shots = await input.each(
      arms.flatMap((arm) => targets.map((target, i) => ({ arm, target, i }))),
      ({ arm, i }) => nameOf(arm, i),
      ({ arm, target }) => shoot(arm, target),
    );
    return arms.map(({ count, at }, i) => ({
      count,
      at,
      shots: shots.slice(i * targets.length, (i + 1) * targets.length),
    }));
  };
  const arms = armsOf(params.budgets, train.y.length);
  try {
    const rounds = await round(arms.slice(0, -1));
    const [last] = await round(arms.slice(-1));
    return outcomeOf({
      input,
      rounds,
      shuffled: last as Round,
      clean,
      hitsBefore: targets.filter(({ row, to }) => before[row] === to).length,
      rightBefore: rightOf(before, test.y),
    });
  } finally {
    await release();
  }
}

const rightOf = (classes: Int32Array, y: Int32Array): boolean[] =>
  Array.from(classes, (c, i) => c === y[i]);

/**
 * Test samples to aim at, each with another class.
 *
 * @throws TRIAL_NO_TARGETS where the candidate has none of them right
 */
async function targetsOf(input: Here): Promise<Target[]> {
  const { victim, params, random } = input;
  const { test } = victim.data;
  const { classes } = test;
  const from = params.from === undefined ? null : labelOf(params.from, test);
  const to = params.to === undefined ? null : labelOf(params.to, test);
  // Of the candidate without its repair: targets are the same whatever the repair.
  const said = await classesOf(await input.surrogate({}), test.x, input);
  const draw = random.fork("targets");
  const targets = draw
    .permutation(test.y.length)
    .filter((row) => {
      const own = test.y[row]!;
      return own === said[row] && own !== to && (from === null || own === from);
    })
    .slice(0, params.targets)
    .map((row) => {
      const own = test.y[row]!;
      const other = (own + 1 + draw.below(classes.length - 1)) % classes.length;
      return { row, to: to ?? other };
    });
  if (targets.length > 0) return targets;
  throw new UsageError(
    "TRIAL_NO_TARGETS",
    `${victim.id} has no test sample right that a poisoning could be aimed at`,
    'State other classes in "from" and "to", or train the candidate better.',
  );
}

/** What was measured. */
interface Measured {
  readonly input: Here;
  readonly rounds: readonly Round[];
  readonly shuffled: Round;
  readonly clean: Retuned;
  readonly hitsBefore: number;
  readonly rightBefore: readonly boolean[];
}

function outcomeOf(measured: Measured): Outcome {
  const { input, rounds, clean, rightBefore } = measured;
  const { train, test } = input.victim.data;
  const last = rounds.at(-1) as Round;
  const n = last.shots.length;
  const success = (role: Finding["role"], at: string, hits: number): Finding =>
    shareFinding(
      {
        id: "success",
        title: "Targets that get the wanted class",
        role,
        attacker: "up",
        at,
      },
      hits,
      n,
    );
  const hits = rounds.map((round) =>
    success(
      round === last ? "headline" : "detail",
      round.at,
      hitsOf(round.shots),
    ),
  );
  const controls = [
    success("control", "no poison", measured.hitsBefore),
    success("control", measured.shuffled.at, hitsOf(measured.shuffled.shots)),
  ];
  const accuracy = rounds.map(({ at, shots }) =>
    crossedFinding(
      {
        id: "accuracy",
        title: "Test accuracy, mean over targets",
        role: "detail",
        attacker: null,
        at,
      },
      shots.map((s) => s.right),
    ),
  );
  const cost = crossedLoss(
    {
      id: "accuracy-cost",
      title: "Test accuracy lost, mean over targets",
      role: "cost",
      attacker: null,
      at: last.at,
    },
    rightBefore,
    last.shots.map((s) => s.right),
  );
  const { shots } = last;
  const shown = shots.find((s) => s.hit) ?? shots[0]!;
  return {
    findings: [
      ...hits,
      ...controls,
      ...accuracy,
      cost,
      ...filterFindings(clean, shots, {
        samples: train.y.length,
        at: last.at,
      }),
    ],
    charts: [
      chartOf(rounds, {
        "targets that get the wanted class": hits,
        "test accuracy": accuracy,
      }),
    ],
    pictures: poisonPictures(shown.poison, train, {
      x: takeRows(test.x, [shown.target.row]) as FloatTensor,
      caption: `Target: ${test.classes[test.y[shown.target.row]!]}, to be taken for ${test.classes[shown.target.to]}`,
      bounds: input.victim.model.contract.bounds,
    }),
    notes: notesOf(last, train, input.params.targets),
    checks: [controlCheck(controls, 1 / train.classes.length)],
  };
}

/** @param lines findings of the rounds, in their order */
const chartOf = (
  rounds: readonly Round[],
  lines: Readonly<Record<string, readonly Finding[]>>,
): Chart => ({
  id: "success",
  title: "Success and accuracy against the number of poisons",
  x: { label: "poisoned samples", scale: "linear" },
  y: { label: "share", scale: "share" },
  lines: Object.entries(lines).map(([name, findings]) => ({
    name,
    points: findings.map(({ value, low, high }, i) => ({
      x: rounds[i]?.count ?? 0,
      y: value ?? 0,
      low,
      high,
    })),
  })),
});

function notesOf(
  { shots, count }: Round,
  train: Dataset,
  asked: number,
): string[] {
  const most = shots.map(({ poison }) => largestChange(poison, train));
  const held = Math.max(...shots.map((s) => s.poison.rows.length));
  return [
    `No number of an input was changed by more than ${Math.max(...most).toPrecision(3)}`,
    ...(held < count
      ? [
          `No poisoning had more than ${held} of ${count} samples: the wanted classes have no more`,
        ]
      : []),
    ...(shots.length < asked
      ? [
          `Only ${shots.length} test samples could be aimed at, of ${asked} that were asked for`,
        ]
      : []),
  ];
}

const hitsOf = (shots: readonly Shot[]): number =>
  shots.filter((s) => s.hit).length;

/** Fails where a control succeeds more often than chance, beyond its interval. */
function controlCheck(controls: readonly Finding[], chance: number): Check {
  const bad = controls.filter((f) => (f.low ?? 0) > chance);
  const said = controls
    .map((f) => `${percent(f.value ?? 0)} with ${f.at}`)
    .join(", ");
  return {
    id: "poison-control",
    title: "Without the attack targets are not hit",
    status: bad.length > 0 ? "failed" : "passed",
    message:
      bad.length > 0
        ? `${said}, where chance is ${percent(chance)}: the targets move without the attack; train the candidate better or longer, so that trainings differ less`
        : `${said}; chance is ${percent(chance)}`,
  };
}
