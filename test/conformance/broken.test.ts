import { expect, test } from "vitest";
import { z } from "zod";
import {
  type Attack,
  type AttackInput,
  byChance,
  defineTextAttack,
} from "#attacks";
import { Random } from "#core";
import { defineSanitizer, type Sanitizer } from "#defenses";
import { floats } from "#onnx";
import { defineSchedule, type Strategy } from "#tuning";
import {
  attackLaws,
  type Law,
  sanitizerLaws,
  scheduleLaws,
  strategyLaws,
  textAttackLaws,
} from "../../src/conformance/index.ts";

/** The titles of the laws that a unit breaks. */
async function broken(laws: readonly Law[]): Promise<string[]> {
  const found: string[] = [];
  for (const { title, check } of laws)
    await check().catch((error: Error) => {
      expect(error.message).not.toBe("");
      found.push(title);
    });
  return found;
}

const params = z.strictObject({});
const attack = (
  run: (input: AttackInput<unknown>) => ReturnType<Attack["run"]>,
): Attack => ({
  ...{ id: "bad", title: "Bad", reference: "-", params, taxonomy: byChance },
  ...{ access: "label", family: "control", norms: ["linf"], run },
});

test("attacks that leave the ball, depend on the batch, or do nothing break laws", async () => {
  const far = attack(async ({ x }) =>
    floats(
      x.dims,
      x.data.map((v) => 1 - v),
    ),
  );
  expect(await broken(attackLaws(far))).toEqual(
    expect.arrayContaining([
      expect.stringContaining("eps = 0"),
      expect.stringContaining("inside ball"),
    ]),
  );
  const batched = attack(async ({ x, ball }) =>
    ball.randomPoint(
      x,
      x.data.length > 64
        ? [...Array(12)].map((_, i) => new Random(i))
        : [new Random(99)],
    ),
  );
  expect(await broken(attackLaws(batched))).toContainEqual(
    expect.stringContaining("another batch"),
  );
  const lax = { ...attack(async ({ x }) => x), params: z.object({}) };
  expect(await broken(attackLaws(lax))).toContainEqual(
    expect.stringContaining("says what it is"),
  );
});

test("a text attack that goes too far breaks laws", async () => {
  const unit = defineTextAttack({
    ...{ id: "bad", title: "Bad", reference: "-", params, taxonomy: byChance },
    ...{ access: "label", family: "control" },
    run: async ({ x }) => x.map((text) => `${text}, not at all`),
  });
  expect(await broken(textAttackLaws(unit))).toEqual(
    expect.arrayContaining([
      "no edits return the texts",
      "stays within any number of edits",
      "breaks what one word decides",
    ]),
  );
});

test("sanitizers that leave the bounds, or let no gradient pass, break laws", async () => {
  const unit = (build: Sanitizer["build"]) =>
    defineSanitizer({
      ...{ id: "bad", title: "Bad", reference: "-", params },
      ...{ gradient: "exact", build },
    });
  expect(await broken(sanitizerLaws(unit((b, x) => b.add(x, 0.5))))).toContain(
    "keeps shape and bounds, and gives the same bytes for the same seed",
  );
  const blind = unit((b, x) => b.mul(x, 0));
  expect(await broken(sanitizerLaws(blind))).toEqual(
    expect.arrayContaining([
      "an adaptive attack gets a gradient through it",
      "costs no more of the clean accuracy than is said",
    ]),
  );
});

test("a schedule that goes below 0, and a strategy that forgets epochs, break laws", async () => {
  const down = defineSchedule({
    ...{ id: "bad", title: "Bad", reference: "-", params },
    course: (_, total) => ({ factor: (step) => 1 - (2 * step) / total }),
  });
  expect(await broken(scheduleLaws(down))).toEqual([
    "gives a finite factor from 0 on at every step of any training",
  ]);
  const short: Strategy = {
    ...{ id: "bad", title: "Bad", reference: "-", params },
    stages: (groups) => [
      { epochs: 1, rates: new Map([[groups.at(-1)!.name, 1]]) },
    ],
  };
  expect(await broken(strategyLaws(short))).toEqual([
    "uses exactly the epochs it was given, and names groups of the model",
  ]);
});
