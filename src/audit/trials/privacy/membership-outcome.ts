import { bestThreshold } from "#attacks";
import { Random } from "#core";
import type { Dataset } from "#data";
import { canBeShown, picture } from "../../gallery/index.ts";
import type { Check, Finding } from "../../results/index.ts";
import { areaInterval, newcombe, rate, roc } from "../../statistics/index.ts";
import { written } from "../../words.ts";
import { type Outcome, rateFinding, shareFinding } from "../trial.ts";

interface Scored {
  /**
   * Of the training samples, and behind them of the test samples; the higher, the more
   * likely a member.
   */
  readonly scores: Float64Array;
  readonly train: Dataset;
  readonly test: Dataset;
}

/** Records that are shown. */
const SHOWN = 8;

/** False positives at which members are counted. */
const FALSE_POSITIVES = [0.01, 0.001];

/**
 * How well scores tell members from others. Thresholds are set on one half of the
 * non-members (and, for balanced accuracy, of the members) and judged on what was not
 * used; the two halves of the non-members against each other are the control.
 */
export function outcomeOf({ scores, train, test }: Scored): Outcome {
  const n = train.y.length;
  const members = [...scores.subarray(0, n)];
  const others = [...scores.subarray(n)];
  const random = new Random(test.fingerprint).fork("halves");
  const [firstMembers, lastMembers] = halves(members, random);
  const [firstOthers, lastOthers] = halves(others, random);
  const whole = roc(others, members);
  const control = roc(firstOthers, lastOthers);
  const threshold = bestThreshold([
    ...firstMembers.map((score) => ({ score, member: true })),
    ...firstOthers.map((score) => ({ score, member: false })),
  ]);
  const low = FALSE_POSITIVES.map((share) => ({
    share,
    at: thresholdAt(firstOthers, share),
  }));
  const counted = low.flatMap(({ share, at }) => {
    const where = { at: `${written(share)} false positives` };
    const found = { attacker: "up", ...where } as const;
    const title = "Members found";
    return at === null
      ? [rateFinding({ id: "found", title, role: "detail", ...found }, null)]
      : [
          shareFinding(
            { id: "found", title, role: "detail", ...found },
            above(members, at),
            n,
          ),
          shareFinding(
            {
              id: "false-positives",
              title: "Others taken for members",
              role: "control",
              attacker: null,
              ...where,
            },
            above(lastOthers, at),
            lastOthers.length,
          ),
        ];
  });
  const missing = low.filter(({ at }) => at === null).map((l) => l.share);
  return {
    findings: [
      areaFinding("auc", "AUC of members against others", "headline", whole),
      balanced(lastMembers, lastOthers, threshold),
      ...counted,
      areaFinding(
        "auc-control",
        "AUC of others against others",
        "control",
        control,
      ),
    ],
    charts: [
      {
        id: "roc",
        title: "Members found against others taken for members",
        x: { label: "false positives", scale: "log" },
        y: { label: "members found", scale: "log" },
        lines: [
          { name: "attack", points: curve(members, others) },
          {
            name: "by chance",
            points: [1 / others.length, 1].map((v) => point(v, v)),
          },
        ],
      },
    ],
    pictures: mostExposed(members, train),
    notes: missing.map(
      (share) =>
        `${firstOthers.length} held-out non-members are too few for a threshold of ${written(share)} false positives, which needs ${1 / share}`,
    ),
    checks: control ? [controlCheck(control)] : [],
  };
}

function halves(values: readonly number[], random: Random) {
  const order = random.permutation(values.length);
  const middle = Math.floor(values.length / 2);
  const taken = (places: readonly number[]) => places.map((i) => values[i]!);
  return [taken(order.slice(0, middle)), taken(order.slice(middle))] as const;
}

const above = (scores: readonly number[], threshold: number) =>
  scores.filter((s) => s > threshold).length;

/**
 * What a score must be above, so that at most such a share of non-members is; null
 * where there are too few of them to say.
 */
export function thresholdAt(
  others: readonly number[],
  share: number,
): number | null {
  // 1000 x 0.001 is not 1 exactly.
  const allowed = Math.floor(others.length * share + 1e-9);
  if (allowed < 1) return null;
  return [...others].sort((a, b) => b - a)[allowed] ?? null;
}

/**
 * (members found + others spared) / 2, which is half of their difference and a half.
 */
function balanced(
  members: readonly number[],
  others: readonly number[],
  threshold: number,
): Finding {
  const words = {
    id: "balanced-accuracy",
    title: "Balanced accuracy",
    role: "detail",
    attacker: "up",
  } as const;
  if (members.length === 0 || others.length === 0)
    return rateFinding(words, null);
  const count = (all: readonly number[]) =>
    rate(all.filter((s) => s >= threshold).length, all.length);
  const [found, falsely] = [count(members), count(others)];
  const { low, high } = newcombe(found, falsely);
  const half = (difference: number) => (1 + difference) / 2;
  return rateFinding(words, {
    value: half(found.value - falsely.value),
    low: half(low),
    high: half(high),
    n: members.length + others.length,
  });
}

const areaFinding = (
  id: string,
  title: string,
  role: Finding["role"],
  found: ReturnType<typeof roc>,
) =>
  rateFinding(
    { id, title, role, attacker: role === "control" ? null : "up" },
    found && { ...found.auc, n: found.positives + found.negatives },
  );

/**
 * Points of a curve for logarithmic axes: twelve to a decade of false positives, where
 * any member is found.
 */
function curve(members: readonly number[], others: readonly number[]) {
  const sorted = [...others].sort((a, b) => b - a);
  const n = sorted.length;
  const counts = new Set<number>([n]);
  for (let c = 1; c < n; c *= 10 ** (1 / 12)) counts.add(Math.round(c));
  return [...counts]
    .sort((a, b) => a - b)
    .map((count) =>
      point(
        count / n,
        count === n ? 1 : above(members, sorted[count]!) / members.length,
      ),
    )
    .filter(({ y }) => y > 0);
}

const point = (x: number, y: number) => ({ x, y, low: null, high: null });

/** Two halves of the same are told apart once in a thousand times. */
function controlCheck({
  auc,
  positives,
  negatives,
}: NonNullable<ReturnType<typeof roc>>): Check {
  const { low, high } = areaInterval(auc.value, positives, negatives, 0.999);
  const holds = low <= 0.5 && high >= 0.5;
  return {
    id: "non-members",
    title: "Non-members against non-members",
    status: holds ? "passed" : "failed",
    message: holds
      ? `The AUC of one half of the non-members against the other is ${auc.value.toFixed(3)}.`
      : `The AUC of one half of the non-members against the other is ${auc.value.toFixed(3)}, which is not chance: the measure is wrong.`,
  };
}

/** The members with the highest scores. */
function mostExposed(
  members: readonly number[],
  train: Dataset,
): Outcome["pictures"] {
  if (!canBeShown(train.x)) return [];
  return Array.from(members.keys())
    .sort((a, b) => members[b]! - members[a]!)
    .slice(0, SHOWN)
    .map((i) => ({
      caption: `training sample ${i}, ${train.classes[train.y[i]!]}, score ${members[i]!.toPrecision(3)}`,
      picture: picture(train.x, i, (v) => v),
    }));
}
