import { labelFlip, type Poison, type Poisoning, poisoned } from "#attacks";
import type { Check, Finding } from "../results.ts";
import { newcombePaired } from "../statistics.ts";
import { percent } from "../words.ts";
import {
  classesOf,
  countsOf,
  filterFindings,
  keptPoison,
  openAttacker,
} from "./poisons.ts";
import {
  numberFinding,
  type Outcome,
  type Protocol,
  shareFinding,
} from "./trial.ts";
import type { Learnt } from "./victim.ts";

/** What a victim says of the test samples after a poisoning. */
interface Said {
  readonly count: number;
  readonly at: string;
  readonly classes: Int32Array;
}

/**
 * Pours more and more poison into the fine-tuning set, and measures what is left of the
 * accuracy; of a poisoning that is meant for one class, how many of its samples are
 * taken for the other. Beside it: the victim without poison, and as many random labels.
 */
export const poisoning: Protocol<Poisoning, { budgets: number[] }> = async (
  scene,
): Promise<Outcome> => {
  const { victim, unit, params, random, once } = scene;
  const { train, test } = victim.data;
  const { release, ...attacker } = openAttacker(scene);
  const counts = countsOf(params.budgets, train.y.length);
  const largest = counts.at(-1) as number;
  // The random flips are their own control.
  const arms = [
    ...counts.map((count) => ({ count, by: unit, at: `${count} poisons` })),
    ...(unit.id === labelFlip.id
      ? []
      : [
          {
            count: largest,
            by: labelFlip as unknown as Poisoning,
            at: `${largest} random labels`,
          },
        ]),
  ];
  const clean = await victim.learn({});
  const said: Said[] = [
    {
      count: 0,
      at: "no poison",
      classes: await classesOf(clean.model, test.x, scene),
    },
  ];
  const filtered: (Pick<Learnt, "filtered"> & { poison: Poison })[] = [];
  for (const [i, { count, by, at }] of arms.entries()) {
    const share = (part: number) => scene.onProgress((i + part) / arms.length);
    const poison = await keptPoison(once, at, train, () =>
      by.poison({
        ...attacker,
        count,
        random: random.fork(by === unit ? "poison" : "control"),
        onProgress: (part) => share(part / 2),
      }),
    );
    const then = await victim.learn({ train: poisoned(train, poison) });
    said.push({
      count,
      at,
      classes: await classesOf(then.model, test.x, scene),
    });
    filtered.push({ filtered: then.filtered, poison });
    share(1);
  }
  await release();

  const pair = unit.confuses?.(params, train.classes);
  const right = (classes: Int32Array) =>
    classes.filter((c, i) => c === test.y[i]).length;
  const taken = (classes: Int32Array) =>
    pair
      ? classes.filter((c, i) => test.y[i] === pair.from && c === pair.to)
          .length
      : 0;
  const ofClass = test.y.filter((y) => y === pair?.from).length;
  const own = said.slice(0, 1 + counts.length);
  const last = own.at(-1) as Said;
  const roleOf = (one: Said, matters: boolean): Finding["role"] =>
    one.count === 0 || !own.includes(one)
      ? "control"
      : one === last && matters
        ? "headline"
        : "detail";
  const accuracy = said.map((one) =>
    shareFinding(
      {
        id: "accuracy",
        title: "Test accuracy",
        attacker: "down",
        at: one.at,
        role: roleOf(one, !pair),
      },
      right(one.classes),
      test.y.length,
    ),
  );
  const confusion = pair
    ? said.map((one) =>
        shareFinding(
          {
            id: "confusion",
            title: `Samples of ${train.classes[pair.from]} taken for ${train.classes[pair.to]}`,
            attacker: "up",
            at: one.at,
            role: roleOf(one, true),
          },
          taken(one.classes),
          ofClass,
        ),
      )
    : [];
  return {
    findings: [
      ...confusion,
      ...accuracy,
      ...(pair ? [costOf(own[0] as Said, last, test.y)] : []),
      ...filterFindings(
        clean,
        filtered.slice(counts.length - 1, counts.length),
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
          { name: "accuracy", points: points(own, accuracy) },
          ...(pair
            ? [{ name: "taken for the other", points: points(own, confusion) }]
            : []),
        ],
      },
    ],
    pictures: [],
    notes: [],
    checks: checksOf(pair ? confusion : accuracy, {
      chance: 1 / train.classes.length,
      up: pair !== undefined,
    }),
  };
};

const points = (own: readonly Said[], findings: readonly Finding[]) =>
  own.flatMap(({ count }, i) => {
    const { value = null, low = null, high = null } = findings[i] ?? {};
    return value === null ? [] : [{ x: count, y: value, low, high }];
  });

/** What a poisoning costs in accuracy, on the same samples. */
function costOf(before: Said, after: Said, y: Int32Array): Finding {
  const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
  y.forEach((label, i) => {
    const first = before.classes[i] === label;
    const second = after.classes[i] === label;
    counts[
      first
        ? second
          ? "both"
          : "onlyFirst"
        : second
          ? "onlySecond"
          : "neither"
    ]++;
  });
  return numberFinding(
    {
      id: "accuracy-cost",
      title: "Test accuracy lost",
      role: "cost",
      attacker: null,
      at: after.at,
    },
    (counts.onlyFirst - counts.onlySecond) / y.length,
    { ...newcombePaired(counts), n: y.length },
  );
}

/** Whether the controls behave: no poison does nothing, and as many random labels do less. */
function checksOf(
  findings: readonly Finding[],
  { chance, up }: { chance: number; up: boolean },
): Check[] {
  const controls = findings.filter((f) => f.role === "control");
  const attack = findings.find((f) => f.role === "headline");
  // Accuracy has to be above chance without poison; a confusion must not be.
  const bad = controls.filter(({ at, low, value }) =>
    value === null || low === null
      ? false
      : up
        ? low > chance
        : at === "no poison" && low <= chance,
  );
  const random = controls.find((f) => f.at?.endsWith("random labels"));
  const checks: Check[] = [
    {
      id: "poison-control",
      title: "Without the attack there is nothing to see",
      status: bad.length > 0 ? "failed" : "passed",
      message:
        bad.length > 0
          ? `${bad.map((f) => `with ${f.at} it is ${percent(f.value ?? 0)}`).join(", ")}, where chance is ${percent(chance)}; train the candidate better, or poison less`
          : `chance is ${percent(chance)}, and ${controls.map((f) => `with ${f.at} it is ${percent(f.value ?? 0)}`).join(", ")}`,
    },
  ];
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
