import type { Poisoning } from "#attacks";
import { argmaxRows, compile, type Model } from "#model";
import { type Outcome, type Protocol, shareFinding } from "./trial.ts";

/** Pours more and more poison into the fine-tuning set, and measures what is left of the accuracy. */
export const poisoning: Protocol<Poisoning, { budgets: number[] }> = async (
  scene,
): Promise<Outcome> => {
  const { victim, unit, params, random } = scene;
  const { train, test } = victim.data;
  const counts = params.budgets
    .map((b) => (b < 1 ? Math.round(b * train.y.length) : b))
    .sort((a, b) => a - b);
  const right = async (model: Model) => {
    const compiled = await compile(model, scene.engine);
    const said = argmaxRows(await compiled.logits(test.x));
    await compiled.release();
    return said.filter((p, i) => p === test.y[i]).length;
  };
  const clean = await right(victim.model);
  const n = test.y.length;
  const found = [{ count: 0, right: clean }];
  for (const [i, count] of counts.entries()) {
    const poisoned = await unit.poison({
      train,
      count,
      params,
      random: random.fork(`poison ${count}`),
    });
    found.push({
      count,
      right: await right(await victim.tune({ train: poisoned })),
    });
    scene.onProgress((i + 1) / counts.length);
  }
  const accuracy = { id: "accuracy", title: "Test accuracy", attacker: "down" };
  const findings = found.map(({ count, right: k }, i) =>
    shareFinding(
      {
        ...accuracy,
        attacker: "down",
        at: `${count} poisons`,
        role:
          i === 0 ? "control" : i === found.length - 1 ? "headline" : "detail",
      },
      k,
      n,
    ),
  );
  return {
    findings,
    charts: [
      {
        id: "accuracy",
        title: "Accuracy against the number of poisons",
        x: { label: "poisoned samples", scale: "linear" },
        y: { label: "test accuracy", scale: "share" },
        lines: [
          {
            name: "accuracy",
            points: findings.map(({ value, low, high }, i) => ({
              x: found[i]?.count ?? 0,
              y: value ?? 0,
              low,
              high,
            })),
          },
        ],
      },
    ],
    pictures: [],
    notes: [],
    checks: [],
  };
};
