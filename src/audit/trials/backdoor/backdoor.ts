import type { Backdoor, Planted, Trigger } from "#attacks";
import { type Dataset, takeSamples } from "#data";
import type { Model } from "#model";
import { canBeShown, picture } from "../../gallery/index.ts";
import type { Check, Finding, Trial } from "../../results/index.ts";
import { rate } from "../../statistics/index.ts";
import { samples } from "../../words.ts";
import { countsOf } from "../poisoning/poisons.ts";
import type { Outcome, Protocol, TrialInput } from "../trial.ts";
import { anotherTrigger } from "./another-trigger.ts";
import { plant, targetOf } from "./planting.ts";
import {
  costOf,
  effectiveness,
  kept,
  refusals,
  success,
  successFinding,
  type UnderTrigger,
  underTrigger,
} from "./under-trigger.ts";

type Params = Record<string, unknown> & {
  readonly target?: string;
  readonly budgets?: readonly number[];
};

type Here = TrialInput<Backdoor, Params>;

/** What a backdoor does to a candidate. */
interface Run {
  /** "12 poisons", or that the base carries it. */
  readonly at: string;
  readonly count: number;
  readonly notes: readonly string[];
  readonly found: UnderTrigger;
}

/** The last of them, with the candidate that has it. */
interface Last extends Run {
  readonly planted: Planted;
  readonly model: Model;
}

/**
 * Plants a backdoor with more and more samples, or in the base, and measures how
 * often samples of other classes are taken for the target with the trigger (attack
 * success, ASR) or for what they are (robust accuracy, RA), and what it costs in
 * clean accuracy. The controls are a candidate without a backdoor, and samples
 * without a trigger and with another one of the same size on the one with it: all
 * have to stay at chance. The
 * defence effectiveness rating (DER; Zhu et al. 2023, arXiv:2304.11823) weighs what
 * a defence takes from success against what it takes from accuracy.
 */
export const backdoor: Protocol<Backdoor, Params> = {
  kind: "backdoor",
  stages: ({ unit, params, data }) => [
    plannedCounts(unit, params, data.train).map((count) => ({
      name: atOf(unit, count),
    })),
  ],
  run,
};

async function run(input: Here): Promise<Outcome> {
  const { victim, random } = input;
  const { test } = victim.data;
  const target = targetOf(input.params.target, test);
  const judge = (model: Model, data: Dataset, trigger: Trigger) =>
    underTrigger(model, data, trigger, target, input.engine);
  const runs = await input.each(
    plannedCounts(input.unit, input.params, victim.data.train),
    (count) => atOf(input.unit, count),
    async (count): Promise<Run> => {
      const planted = await plant(input, input, count, target);
      const model = await victim.tune(planted.changes);
      const found = await judge(model, test, planted.trigger);
      input.onProgress(1);
      const { notes } = planted;
      return { at: atOf(input.unit, count), count, notes, found };
    },
  );
  const largest = runs.at(-1) as Run;
  const planted = await plant(input, input, largest.count, target);
  const last: Last = {
    ...largest,
    planted,
    model: await victim.tune(planted.changes),
  };
  const { trigger } = planted;
  const clean = await judge(victim.model, test, trigger);
  const wrong = anotherTrigger(trigger, random.fork("another trigger"));
  const other = await judge(last.model, test, wrong);
  const { n } = last.found.triggered;
  const controls: Control[] = [
    { id: "backdoor-absent", at: "nothing planted", k: clean.triggered.fooled },
    { id: "backdoor-no-trigger", at: "no trigger", k: last.found.mistaken },
    {
      id: "backdoor-other-trigger",
      at: "another trigger",
      k: other.triggered.fooled,
    },
  ];
  return {
    findings: [
      ...controls.map(({ k, at }) => successFinding(k, n, "control", at)),
      ...runs.flatMap((run) => findingsOf(run, run === largest, clean)),
      ...(victim.repaired
        ? await repairFindings(input, last, judge)
        : await defenceFindings(input, last, judge)),
    ],
    charts:
      input.unit.place === "data" && n > 0 ? [chartOf(runs, clean, input)] : [],
    pictures: picturesOf(test, target, trigger),
    notes: [...new Set(runs.flatMap((run) => run.notes))],
    checks: controls.map((one) => atChance(one, n, test.classes.length)),
  };
}

/** Attack success without what makes it. */
interface Control {
  readonly id: string;
  readonly at: string;
  /** How many samples are taken for the target. */
  readonly k: number;
}

type Judge = (
  model: Model,
  data: Dataset,
  trigger: Trigger,
) => Promise<UnderTrigger>;

/** How many samples are planted; one plan of none where the base is what is changed. */
function plannedCounts(
  { place }: Backdoor,
  { budgets = [] }: Params,
  train: Dataset,
): number[] {
  return place === "base" ? [0] : countsOf(budgets, train.y.length);
}

const atOf = ({ place }: Backdoor, count: number): string =>
  place === "base" ? "a planted base" : `${count} poisons`;

const findingsOf = (
  { at, found }: Run,
  isLast: boolean,
  clean: UnderTrigger,
): Finding[] => [
  success(found, isLast ? "headline" : "detail", at),
  kept(found, at),
  costOf(clean, found, at),
];

async function repairFindings(
  { victim, surrogate }: Here,
  { planted, found, at }: Last,
  judge: Judge,
): Promise<Finding[]> {
  const bare = await surrogate(planted.changes);
  const before = await judge(bare, victim.data.test, planted.trigger);
  return [
    success(before, "detail", `${at}, not repaired`),
    effectiveness(before, found, at),
  ];
}

/**
 * How the candidate with the backdoor does behind the suite's reactive defences, on the
 * samples that the suite attacks.
 */
async function defenceFindings(
  { victim }: Here,
  { planted, model }: Last,
  judge: Judge,
): Promise<Finding[]> {
  const { changes, trigger } = planted;
  const train = "train" in changes ? changes.train : victim.data.train;
  const behind = await victim.behindDefenses(model, train);
  if (behind.size === 0) return [];
  const before = await judge(model, victim.attacked, trigger);
  const findings: Finding[] = [];
  for (const [id, defended] of behind) {
    const at = `behind ${id}`;
    const found = await judge(defended, victim.attacked, trigger);
    findings.push(
      success(found, "detail", at),
      kept(found, at),
      ...(defended.detectors?.length ? refusals(found, at) : []),
      effectiveness(before, found, at),
    );
  }
  return findings;
}

/** Passed where a rate is at most chance, or its interval reaches down to it. */
function atChance({ id, at, k }: Control, n: number, classes: number): Check {
  const isHigh = n > 0 && rate(k, n).low > 1 / classes;
  const seen = `with ${at}, ${k} of ${samples(n)} of other classes are taken for the target`;
  return {
    id,
    title: `Backdoor control: ${at}`,
    status: isHigh ? "failed" : "passed",
    message: isHigh
      ? `${seen}, more than by chance (1 in ${classes}): the planted trigger alone does not explain the attack's success, so use a smaller one, fewer poisons or a candidate that can learn it.`
      : `${seen}, no more than by chance (1 in ${classes}).`,
  };
}

function chartOf(
  runs: readonly Run[],
  clean: UnderTrigger,
  { victim }: Here,
): Trial["charts"][number] {
  const size = victim.data.train.y.length;
  const points = [{ count: 0, found: clean }, ...runs];
  const line = (
    name: string,
    of: (found: UnderTrigger) => [number, number],
  ) => ({
    name,
    points: points.map(({ count, found }) => {
      const [k, n] = of(found);
      const { value, low, high } = rate(k, n);
      return { x: count / size, y: value, low, high };
    }),
  });
  return {
    id: "poison-rate",
    title: "Attack success and accuracy against the share of poisons",
    x: { label: "share of poisons", scale: "share" },
    y: { label: "share of test samples", scale: "share" },
    lines: [
      line("attack success", ({ triggered }) => [
        triggered.fooled,
        triggered.n,
      ]),
      line("clean accuracy", ({ right }) => [
        right.filter(Boolean).length,
        right.length,
      ]),
    ],
  };
}

/** A sample, the same with the trigger, and what the trigger changes of it. */
function picturesOf(
  test: Dataset,
  target: number,
  trigger: Trigger,
): Trial["pictures"] {
  const row = test.y.findIndex((label) => label !== target);
  if (row < 0 || !canBeShown(test.x)) return [];
  const { x } = takeSamples(test, [row]);
  const marked = trigger(x);
  const change = marked.data.map((v, i) => v - x.data[i]!);
  const most = change.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-12);
  const asIs = (v: number) => v;
  const name = test.classes[test.y[row]!];
  return [
    { caption: `a sample of class ${name}`, picture: picture(x, 0, asIs) },
    { caption: "with the trigger", picture: picture(marked, 0, asIs) },
    {
      caption: "what the trigger changes",
      picture: picture(
        { ...x, data: change },
        0,
        (v) => 0.5 + (0.5 * v) / most,
      ),
    },
  ];
}
