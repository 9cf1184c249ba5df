// A package with units of its own. A suite names it under `use`.
import {
  defineAttack,
  defineReporter,
  defineSanitizer,
  takeRows,
  whiteBox,
  z,
} from "assay/units";

/** Steps of several sizes along the gradient: the smallest that breaks a sample. */
const ladder = defineAttack({
  id: "ladder",
  title: "Ladder of steps",
  summary: "tries steps of growing size along one gradient",
  caution: "looks at one gradient only: what withstands it may still be weak",
  access: "gradient",
  family: "single-step",
  norms: ["linf", "l2"],
  reference: "this example",
  taxonomy: whiteBox,
  params: z.strictObject({ rungs: z.int().positive().default(4) }),
  async run({ target, x, ball, params, onProgress }) {
    const all = Array.from({ length: x.dims[0] }, (_, i) => i);
    const { gradient } = await target.lossGradient(x, all);
    for (let i = 1; i <= params.rungs; i++) {
      const open = target.open();
      if (open.length === 0) break;
      const step = ball.ascend(x, gradient, (ball.eps * i) / params.rungs);
      await target.predict(takeRows(ball.project(x, step), open), open);
      onProgress(i / params.rungs);
    }
    return target.examples();
  },
});

/** Numbers below a level become the lowest. */
const darken = defineSanitizer({
  id: "darken",
  title: "Darken",
  summary: "sets small numbers to the lower bound",
  caution: "an attack that knows it moves numbers across the level",
  reference: "this example",
  gradient: "straight-through",
  params: z.strictObject({ level: z.number().min(0).max(1).default(0.1) }),
  build: (
    b,
    x,
    { level },
    {
      contract: {
        bounds: [low, high],
      },
    },
  ) =>
    b.op("Where", [
      b.op("Greater", [x, b.scalar(low + level * (high - low))]),
      x,
      b.scalar(low),
    ]),
});

/** One line for each cell. */
const lines = defineReporter({
  id: "lines",
  title: "Lines",
  summary: "one line for each cell, for grep",
  reference: "-",
  file: "cells.txt",
  render: ({ cells }) =>
    cells
      .map(({ id, robustAccuracy }) => `${id} ${robustAccuracy.value}\n`)
      .join(""),
});

export const units = [ladder, darken, lines];
