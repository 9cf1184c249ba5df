import { expect, test } from "vitest";
import { attacks, ballOf } from "#attacks";
import { choiceOf, Random } from "#core";
import { defend, sanitizers } from "#defenses";
import { onnxruntime } from "#engine";
import { compile } from "#model";
import { floats } from "#onnx";
import {
  courseOfDraws,
  drawsOf,
  moreDraws,
} from "../../../../src/audit/trust/probes/attack-again.ts";
import type { Attempt } from "../../../../src/audit/trust/probes/probe.ts";
import { linearModel } from "../../../reference.ts";

/**
 * Two samples far inside class 0 of a linear model behind noise, with room
 * enough to leave it.
 */
async function attemptOf(attack: object): Promise<Attempt> {
  const noisy = defend(
    linearModel(
      [
        [9, 0],
        [0, 9],
      ],
      [0, 0],
    ),
    [choiceOf(sanitizers).parse({ id: "gaussian-noise", sigma: 0.05 })],
  );
  const chosen = choiceOf(attacks).parse(attack);
  const x = floats([2, 2], [0.7, 0.4, 0.8, 0.4]);
  return {
    model: await compile(noisy, onnxruntime),
    chosen,
    ball: ballOf("linf", 0.4, [0, 1]),
    x,
    y: Int32Array.of(0, 0),
    examples: x,
    peaks: [null, null],
    draws: drawsOf(chosen),
    drawsAtRandom: true,
    random: new Random(3),
    onProgress() {},
  };
}

test.each([
  [{ id: "pgd", steps: 3, relStepSize: 0.5 }, 1, 20],
  [{ id: "autoattack", version: "rand", steps: 3 }, 20, 40],
])(
  "%o shows the course of success by draws, and is tried with more",
  async (attack, before, draws) => {
    const attempt = await attemptOf(attack);
    expect(await courseOfDraws(attempt)).toEqual(
      [1, 20, 100].map((n) => ({
        draws: n,
        tried: 2,
        broken: 2,
        which: [0, 1],
      })),
    );
    expect(await moreDraws(attempt)).toMatchObject({
      before,
      draws,
      broken: 2,
    });
  },
);

test.each([{ id: "autoattack", steps: 3 }, { id: "fgsm" }])(
  "%o averages over no draws, and has no course",
  async (attack) => {
    const attempt = await attemptOf(attack);
    expect(attempt.draws).toBe(1);
    expect(await courseOfDraws(attempt)).toBeNull();
    expect(await moreDraws(attempt)).toBeNull();
  },
);
