import { z } from "zod";
import type { Need } from "#core";
import { normSchema, resultsSchema, threatModelSchema } from "#results";
import type { Units } from "./units.ts";

/** A function; what it takes and gives shows when it is called. */
const call = z.custom<(...args: never[]) => unknown>(
  (value) => typeof value === "function",
  { error: "expected a function" },
);

/**
 * Parameters refuse what they do not have: what is misspelt in a suite would be
 * something else than was meant, without a word.
 */
const params = z.custom<z.ZodObject>(
  (value) =>
    value instanceof z.ZodObject && value.def.catchall instanceof z.ZodNever,
  { error: "expected z.strictObject({ ... }), by the z of assay/units" },
);

const needs = {
  base: 1,
  "base data": 1,
  unrelated: 1,
  tuning: 1,
  "one class": 1,
  "one answer": 1,
  samples: 1,
  images: 1,
  numbers: 1,
  dialogues: 1,
  "free inputs": 1,
  gradient: 1,
} satisfies Record<Need, 1>;

const id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, "expected small letters, digits and dashes");

const named = {
  id,
  title: z.string().min(1),
  summary: z.string().optional(),
  caution: z.string().optional(),
};

const chosen = {
  ...named,
  reference: z.string().min(1),
  needs: z.array(z.enum(Object.keys(needs) as Need[])).optional(),
  needsFor: call.optional(),
  params,
};

const attack = {
  ...chosen,
  access: threatModelSchema.shape.access,
  family: resultsSchema.shape.attacks.element.shape.family,
  taxonomy: resultsSchema.shape.attacks.element.shape.taxonomy,
  draws: call.optional(),
  run: call,
};

const reactive = {
  ...chosen,
  gradient: z.enum(["exact", "straight-through"]),
  fit: call.optional(),
  build: call,
};

/** What there is to know of a kind of unit. */
interface KindOfUnit {
  /** Where units of the kind stand. */
  readonly list: keyof Units;
  /** Units that a suite names at the same place; an id means one of them. */
  readonly names: string;
  /** What a unit of the kind has, and what else it has beside that. */
  readonly shape: z.ZodType;
}

/** The kinds of units that modules bring, by what people call them. */
export const kinds = {
  attack: {
    list: "attacks",
    names: "attacks",
    shape: z.looseObject({
      ...attack,
      kind: z.undefined().optional(),
      norms: z.array(normSchema.exclude(["edits"])).min(1),
    }),
  },
  "text attack": {
    list: "textAttacks",
    names: "attacks",
    shape: z.looseObject({
      ...attack,
      kind: z.literal("text"),
      norms: z.tuple([z.literal("edits")]),
    }),
  },
  sanitizer: {
    list: "sanitizers",
    names: "defenses",
    shape: z.looseObject({
      ...reactive,
      kind: z.literal("sanitizer"),
      views: call.optional(),
    }),
  },
  detector: {
    list: "detectors",
    names: "defenses",
    shape: z.looseObject({ ...reactive, kind: z.literal("detector") }),
  },
  "text sanitizer": {
    list: "textSanitizers",
    names: "defenses",
    shape: z.looseObject({
      ...chosen,
      kind: z.literal("text-sanitizer"),
      open: call,
      files: call.optional(),
      fit: call.optional(),
    }),
  },
  "training defence": {
    list: "trainingDefenses",
    names: "defenses",
    shape: z.looseObject({
      ...chosen,
      kind: z.literal("training"),
      makesExamples: z.boolean(),
      manyTasks: z.boolean(),
      isPrivate: z.boolean(),
      isAlone: call,
      guards: z.boolean(),
      inFront: call.optional(),
      open: call,
    }),
  },
  repair: {
    list: "repairs",
    names: "repairs",
    shape: z.discriminatedUnion("kind", [
      z.looseObject({ ...chosen, kind: z.literal("filter"), filter: call }),
      z.looseObject({ ...chosen, kind: z.literal("mend"), mend: call }),
      z.looseObject({ ...chosen, kind: z.literal("restore"), restore: call }),
    ]),
  },
  strategy: {
    list: "strategies",
    names: "strategies",
    shape: z.looseObject({ ...chosen, stages: call, form: call.optional() }),
  },
  schedule: {
    list: "schedules",
    names: "schedules",
    shape: z.looseObject({ ...chosen, course: call }),
  },
  "trust check": {
    list: "trustChecks",
    names: "checks",
    shape: z.looseObject({ ...named, judge: call }),
  },
  reporter: {
    list: "reporters",
    names: "reporters",
    shape: z.looseObject({
      ...named,
      reference: z.string().min(1),
      file: z
        .string()
        .regex(/^[\w.-]+$/, "expected the name of a file, without a folder"),
      render: call,
      send: call.optional(),
    }),
  },
  "data source": {
    list: "sources",
    names: "sources",
    shape: z.looseObject({
      schema: z.custom(
        (value) =>
          params.safeParse(value).success &&
          (value as z.ZodObject).shape.source instanceof z.ZodLiteral,
        {
          error:
            'expected z.strictObject({ source: z.literal("..."), ... }), by the z of assay/units',
        },
      ),
      read: call,
    }),
  },
} as const satisfies Record<string, KindOfUnit>;

/** The kinds of units, as people call them. */
export type Kind = keyof typeof kinds;

/** A unit of a kind. */
export type UnitOf<K extends Kind> = Units[(typeof kinds)[K]["list"]][number];
