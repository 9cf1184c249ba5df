import type { PropertyAttack } from "#attacks";
import type { Random } from "#core";
import { type Dataset, labelOf, takeSamples } from "#data";
import { logitsOf, type Model } from "#model";
import type { Check } from "../results.ts";
import { rate } from "../statistics.ts";
import { type Protocol, type Scene, shareFinding } from "./trial.ts";

type Params = ReturnType<PropertyAttack["params"]["parse"]>;
type PropertyScene = Scene<PropertyAttack, Params>;

/** Fewest public inputs that are asked about, and most. */
const ASKED = 200;

/**
 * Victims are tuned on one half of the fine-tuning set, the attacker's models on the
 * other; in one kind the class is rare, in the other as many samples of other classes
 * are missing. The threshold comes from the attacker's models, success from the
 * victims. The control tells two groups of victims of one kind apart the same way.
 */
export const property: Protocol<PropertyAttack, Params> = async (scene) => {
  const { victim, params, random } = scene;
  const { train } = victim.data;
  const label = params.class === undefined ? 0 : labelOf(params.class, train);
  const order = random.fork("halves").permutation(train.y.length);
  const middle = order.length >> 1;
  const [theirs, own] = [order.slice(0, middle), order.slice(middle)].map(
    (rows) =>
      takeSamples(
        train,
        rows.toSorted((a, b) => a - b),
      ),
  ) as [Dataset, Dataset];
  const total = 2 * (params.shadows + params.victims);
  let done = 0;
  const scores = async (
    count: number,
    data: Dataset,
    rare: boolean,
    tune: PropertyScene["surrogate"],
    who: string,
  ) => {
    const found: number[] = [];
    for (let k = 0; k < count; k++) {
      const seed = `${who} ${rare ? "rare" : "common"} ${k}`;
      const kept = skewed(data, label, params.kept, rare, random.fork(seed));
      found.push(
        await scoreOf(await tune({ train: kept, seed }), label, scene),
      );
      scene.onProgress(++done / total);
    }
    return found;
  };
  const home = scene.surrogate;
  const shadowsRare = await scores(params.shadows, own, true, home, "shadow");
  const shadowsCommon = await scores(
    params.shadows,
    own,
    false,
    home,
    "shadow",
  );
  const out = victim.tune;
  const rare = await scores(params.victims, theirs, true, out, "victim");
  const common = await scores(params.victims, theirs, false, out, "victim");

  const hits = told(rare, common, threshold(shadowsRare, shadowsCommon));
  const odd = (_: unknown, i: number) => i % 2 === 1;
  const even = (_: unknown, i: number) => i % 2 === 0;
  const alike = told(
    common.filter(odd),
    common.filter(even),
    threshold(shadowsCommon.filter(odd), shadowsCommon.filter(even)),
  );
  return {
    findings: [
      shareFinding(
        {
          id: "told-apart",
          title: `Candidates of which it tells whether class ${train.classes[label]} was rare: 50 % is chance`,
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
};

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
  { unit, victim, engine }: PropertyScene,
): Promise<number> {
  const { test } = victim.source ?? victim.data;
  const count = Math.min(ASKED, test.y.length);
  const { x } = takeSamples(
    test,
    Array.from({ length: count }, (_, i) => i),
  );
  return unit.score({ logits: await logitsOf(model, x, engine), label });
}

/** Where the two groups are told apart best, between neighbours; the lowest of several. */
function threshold(low: readonly number[], high: readonly number[]): number {
  const all = [...low, ...high].toSorted((a, b) => a - b);
  let best = { hits: -1, at: 0 };
  for (let i = 0; i + 1 < all.length; i++) {
    const at = ((all[i] as number) + (all[i + 1] as number)) / 2;
    const hits = told(low, high, at);
    if (hits > best.hits) best = { hits, at };
  }
  return best.at;
}

const told = (
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
