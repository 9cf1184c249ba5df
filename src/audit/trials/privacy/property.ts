import type { PropertyAttack } from "#attacks";
import type { Random } from "#core";
import { type Dataset, labelOf, takeSamples } from "#data";
import { logitsOf, type Model } from "#model";
import type { Check } from "../../results/index.ts";
import { rate } from "../../statistics/index.ts";
import {
  type Outcome,
  type Protocol,
  shareFinding,
  type TrialInput,
} from "../trial.ts";

type Params = ReturnType<PropertyAttack["params"]["parse"]>;

type Here = TrialInput<PropertyAttack, Params>;

/** The most public inputs that are asked about. */
const ASKED = 200;

/** Scores of models that were tuned where the class is rare, and where it is not. */
interface Scores {
  readonly rare: readonly number[];
  readonly common: readonly number[];
}

/**
 * Victims are tuned on one half of the fine-tuning set, the attacker's models on the
 * other; in one kind the class is rare, in the other as many samples of other classes
 * are missing. The threshold comes from the attacker's models, success from the
 * victims; all of them draw from one half, so intervals are over draws and training
 * seeds, not over fine-tuning sets. The control tells two groups of victims of one kind
 * apart the same way.
 */
export const property: Protocol<PropertyAttack, Params> = {
  kind: "property",
  stages: ({ params }) => [modelsOf(params).map((name) => ({ name }))],
  run,
};

const kinds = ["rare", "common"] as const;

/** The attacker's models and the victims, by their names. */
const modelsOf = ({ shadows, victims }: Params): string[] =>
  [["shadow", shadows] as const, ["victim", victims] as const].flatMap(
    ([who, count]) =>
      kinds.flatMap((kind) =>
        Array.from({ length: count }, (_, k) => nameOf(who, kind, k)),
      ),
  );

const nameOf = (who: string, kind: string, k: number) => `${who} ${kind} ${k}`;

async function run(input: Here): Promise<Outcome> {
  const { victim, params, random, surrogate } = input;
  const { train } = victim.data;
  const label = params.class === undefined ? 0 : labelOf(params.class, train);
  const order = random.fork("halves").permutation(train.y.length);
  const middle = order.length >> 1;
  const half = (rows: readonly number[]) =>
    takeSamples(
      train,
      rows.toSorted((a, b) => a - b),
    );
  const halves = {
    victim: { data: half(order.slice(0, middle)), tune: victim.tune },
    shadow: { data: half(order.slice(middle)), tune: surrogate },
  };
  const names = modelsOf(params);
  const scores = await input.each(names, String, async (seed) => {
    const [who, kind] = seed.split(" ") as ["shadow" | "victim", string];
    const { data, tune } = halves[who];
    const isRare = kind === "rare";
    const own = random.fork(seed);
    const kept = skewed(data, label, params.kept, isRare, own);
    const model = await tune({ train: kept, seed });
    input.onProgress(1);
    return scoreOf(model, label, input);
  });
  const scoresOf = (who: string): Scores => {
    const [rare, common] = kinds.map((kind) =>
      scores.filter((_, i) => names[i]!.startsWith(`${who} ${kind} `)),
    );
    return { rare: rare!, common: common! };
  };
  const [shadows, victims] = [scoresOf("shadow"), scoresOf("victim")];
  return outcomeOf(shadows, victims, train.classes[label]!, input);
}

function outcomeOf(
  shadows: Scores,
  { rare, common }: Scores,
  name: string,
  { victim, params }: Here,
): Outcome {
  const hits = apart(rare, common, threshold(shadows.rare, shadows.common));
  const split = (all: readonly number[]) =>
    [1, 0].map((side) => all.filter((_, i) => i % 2 === side)) as [
      number[],
      number[],
    ];
  const alike = apart(...split(common), threshold(...split(shadows.common)));
  return {
    findings: [
      shareFinding(
        {
          id: "told-apart",
          title: `Candidates of which it tells whether class ${name} was rare: 50 % is chance`,
          role: "headline",
          attacker: "up",
        },
        hits,
        rare.length + common.length,
      ),
      shareFinding(
        {
          id: "told-apart",
          title: "The same of two groups that do not differ",
          role: "control",
          attacker: null,
        },
        alike,
        common.length,
      ),
    ],
    charts: [],
    pictures: [],
    notes: [
      `${params.victims} candidates of each kind, ${params.shadows} models of the attacker of each kind; where it is rare, ${Math.round(100 * params.kept)} % of the samples of the class are left`,
      victim.source
        ? "asked about test samples of the base's own task"
        : "asked about test samples of the task, since those of the base's are not known",
    ],
    checks: [controlCheck(alike, common.length)],
  };
}

/** The data without most samples of a class, or without as many of the others. */
function skewed(
  data: Dataset,
  label: number,
  kept: number,
  rare: boolean,
  random: Random,
): Dataset {
  const rows = random.permutation(data.y.length);
  const inClass = rows.filter((i) => data.y[i] === label);
  const others = rows.filter((i) => data.y[i] !== label);
  const gone = Math.min(
    Math.round((1 - kept) * inClass.length),
    others.length - 1,
  );
  const left = rare
    ? [...inClass.slice(gone), ...others]
    : [...inClass, ...others.slice(gone)];
  return takeSamples(
    data,
    left.toSorted((a, b) => a - b),
  );
}

async function scoreOf(
  model: Model,
  label: number,
  { unit, victim, engine }: Here,
): Promise<number> {
  const { test } = victim.source ?? victim.data;
  const count = Math.min(ASKED, test.y.length);
  const { x } = takeSamples(
    test,
    Array.from({ length: count }, (_, i) => i),
  );
  return unit.score({ logits: await logitsOf(model, x, engine), label });
}

/**
 * Where the two groups are told apart best, between neighbours; the lowest of several.
 */
function threshold(low: readonly number[], high: readonly number[]): number {
  const all = [...low, ...high].toSorted((a, b) => a - b);
  let best = { hits: -1, at: 0 };
  for (let i = 0; i + 1 < all.length; i++) {
    const at = (all[i]! + all[i + 1]!) / 2;
    const hits = apart(low, high, at);
    if (hits > best.hits) best = { hits, at };
  }
  return best.at;
}

/** How many are on their side of a threshold. */
const apart = (
  low: readonly number[],
  high: readonly number[],
  at: number,
): number =>
  low.filter((v) => v <= at).length + high.filter((v) => v > at).length;

/** Groups that do not differ cannot be told apart. */
function controlCheck(k: number, n: number): Check {
  const { low } = rate(k, n);
  const fine = low <= 0.5;
  return {
    id: "alike",
    title: "Groups that do not differ are not told apart",
    status: fine ? "passed" : "failed",
    message: fine
      ? "Two groups of candidates that do not differ cannot be told apart, as it has to be."
      : "The attack tells two groups apart that do not differ, so its success means nothing: try more victims.",
  };
}
