import { AssayError } from "#core";
import type { Model } from "#model";
import type { FloatTensor } from "#onnx";
import { checkSchema } from "#results";
import type { Kind, UnitOf } from "./kinds.ts";

/** What a unit gave that its kind does not give. */
export const fault = (what: string): AssayError =>
  new AssayError(
    "UNIT_RESULT",
    what,
    "Correct the module, or ask who wrote it; assay/conformance has the laws of each kind.",
  );

/**
 * By kind: functions of a unit, which say when they give something else than their kind
 * does. They see results, and change none.
 */
export const checks: {
  readonly [K in Kind]?: (unit: UnitOf<K>) => Partial<UnitOf<K>>;
} = {
  attack: (unit) => ({
    async run(input) {
      const { x, ball } = input;
      const made = await unit.run(input);
      requireTensor(made, x.dims, "examples");
      const [low, high] = ball.bounds;
      const slack = 1e-6 * Math.max(1, high - low);
      const stray = made.data.find(
        (v) => !(v >= low - slack && v <= high + slack),
      );
      if (stray !== undefined)
        throw fault(
          `returned an example with ${stray}, outside the bounds from ${low} to ${high}`,
        );
      const far = Array.from(ball.distance(x, made)).find(
        (d) => !(d <= ball.eps * (1 + 1e-6) + 1e-6),
      );
      if (far !== undefined)
        throw fault(
          `returned an example at ${ball.norm} distance ${far}, of ${ball.eps} allowed`,
        );
      return made;
    },
  }),
  "text attack": (unit) => ({
    async run(input) {
      const made = await unit.run(input);
      requireTexts(made, input.x.length);
      const far = Array.from(input.ball.distance(input.x, made)).find(
        (d) => !(d <= input.ball.eps),
      );
      if (far !== undefined)
        throw fault(
          `returned a text ${far} edits away, of ${input.ball.eps} allowed`,
        );
      return made;
    },
  }),
  sanitizer: (unit) => ({
    build(b, x, params, model, parts) {
      const made = unit.build(b, x, params, model, parts);
      const [batch, ...shape] = b.dims(x) ?? [];
      const views = unit.views?.(params) ?? 1;
      const dims = views === 1 ? [batch, ...shape] : [batch, views, ...shape];
      requireValue(b, made, dims, "the samples");
      return made;
    },
  }),
  detector: (unit) => ({
    build(parts, params) {
      const made = unit.build(parts, params);
      requireValue(parts.b, made, [parts.b.dims(parts.x)?.[0]], "the scores");
      return made;
    },
  }),
  "text sanitizer": (unit) => ({
    async open(...args) {
      const opened = await unit.open(...args);
      return {
        async apply(texts) {
          const made = await opened.apply(texts);
          requireTexts(made, texts.length);
          return made;
        },
        release: () => opened.release(),
      };
    },
  }),
  repair: (unit) =>
    unit.kind === "filter"
      ? {
          async filter(input) {
            const made = await unit.filter(input);
            const { length } = input.train.y;
            const { classes } = input.train;
            if (
              !made.rows.every(
                (row, i) =>
                  Number.isInteger(row) &&
                  row >= 0 &&
                  row < length &&
                  (i === 0 || row > made.rows[i - 1]!),
              )
            )
              throw fault(
                `left rows that are not ascending numbers from 0 to ${length - 1}`,
              );
            if (
              made.y.length !== made.rows.length ||
              !made.y.every((y) => y >= 0 && y < classes.length)
            )
              throw fault(
                `left ${made.rows.length} rows with ${made.y.length} labels, or labels that are no classes`,
              );
            return made;
          },
        }
      : unit.kind === "mend"
        ? {
            mend: async (input) => alike(await unit.mend(input), input.model),
          }
        : {
            restore: async (input) =>
              alike(await unit.restore(input), input.model),
          },
  strategy: (unit) => ({
    stages(groups, epochs, params) {
      const made = unit.stages(groups, epochs, params);
      const sum = made.reduce((all, stage) => all + stage.epochs, 0);
      if (sum !== epochs || !made.every((stage) => stage.epochs > 0))
        throw fault(`gave stages of ${sum} epochs, of ${epochs}`);
      for (const { rates } of made)
        for (const [name, rate] of rates)
          if (
            !groups.some((group) => group.name === name) ||
            !(rate > 0 && Number.isFinite(rate))
          )
            throw fault(
              `trains "${name}" at the rate ${rate}; layer groups are ${groups.map((g) => g.name).join(", ")}, and rates above 0`,
            );
      return made;
    },
  }),
  schedule: (unit) => ({
    course(params, total, stepsPerEpoch) {
      const made = unit.course(params, total, stepsPerEpoch);
      return {
        factor(step) {
          const factor = made.factor(step);
          if (!(factor >= 0 && Number.isFinite(factor)))
            throw fault(
              `gave ${factor} at step ${step} of ${total}, expected a factor from 0 on`,
            );
          return factor;
        },
        observe: made.observe?.bind(made),
      };
    },
  }),
  "trust check": (unit) => ({
    judge(cell, siblings) {
      const found = unit.judge(cell, siblings);
      const known = finding.safeParse(found);
      if (!known.success)
        throw fault(
          `found ${JSON.stringify(found)}, expected a status (passed, warned, failed) and a message, or nothing`,
        );
      return found;
    },
  }),
  reporter: (unit) => ({
    render(results, kept) {
      const made = unit.render(results, kept);
      if (made instanceof Promise) return made.then(requireContent);
      return typeof made === "object" && Symbol.asyncIterator in made
        ? made
        : requireContent(made);
    },
  }),
  "data source": (unit) => ({
    async read(spec, folder) {
      const made = await unit.read(spec, folder);
      if (made?.x?.data === undefined || typeof made.locate !== "function")
        throw fault("gave no samples: x, y, classes and locate");
      if (made.texts)
        throw fault("gave texts; only the sources text and tagged-text do");
      return made;
    },
  }),
};

const finding = checkSchema.pick({ status: true, message: true }).optional();

function requireTensor(
  made: FloatTensor,
  dims: readonly number[],
  what: string,
): void {
  if (made?.type !== "float32" || made.dims?.join() !== dims.join())
    throw fault(
      `returned ${what} of shape [${made?.dims?.join(", ") ?? made}], expected [${dims.join(", ")}]`,
    );
  if (!made.data.every(Number.isFinite))
    throw fault(`returned ${what} with values that are not finite`);
}

function requireTexts(made: readonly string[], count: number): void {
  if (
    !Array.isArray(made) ||
    made.length !== count ||
    !made.every((text) => typeof text === "string")
  )
    throw fault(
      `returned ${Array.isArray(made) ? `${made.length} values` : typeof made}, expected ${count} texts`,
    );
}

function requireContent<C>(made: C): C {
  if (typeof made !== "string" && !(made instanceof Uint8Array))
    throw fault(`rendered ${typeof made}, expected text, bytes or files`);
  return made;
}

/** What a graph says of a value. */
interface Values {
  has(name: string): boolean;
  dims(name: string): readonly (number | string | null)[] | undefined;
}

function requireValue(
  b: Values,
  name: string,
  dims: readonly (number | string | null | undefined)[],
  what: string,
): void {
  if (typeof name !== "string" || !b.has(name))
    throw fault(`built ${what} as "${name}", which is no value of the graph`);
  const made = b.dims(name);
  if (
    made &&
    (made.length !== dims.length || made.some((d, i) => isApart(d, dims[i])))
  )
    throw fault(
      `built ${what} of shape [${made.join(", ")}], expected [${dims.join(", ")}]`,
    );
}

/** Whether two sizes are known not to be the same. */
const isApart = (a: unknown, b: unknown) =>
  typeof a === "number" && typeof b === "number" && a !== b;

/** A model, which is another one only by its weights. */
function alike(made: Model, before: Model): Model {
  if (
    made?.graph === undefined ||
    made.contract.shape.join() !== before.contract.shape.join() ||
    made.classes.join() !== before.classes.join()
  )
    throw fault("returned another model: input and classes have to stay");
  return made;
}
