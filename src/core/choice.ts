import { z } from "zod";
import type { Need } from "./needs.ts";

/** What people read of a unit: on its page, and by the command line. */
export interface Explained {
  /** What it does, in one or two sentences. Our own units all say it. */
  readonly summary?: string;
  /** When what it gives is not to be trusted, and what to do then. */
  readonly caution?: string;
}

/**
 * What attacks, defences, strategies and the like have in common. A list of units
 * knows their kind and forgets the types of their parameters: each takes what its own
 * schema gives, and `choiceOf` gives a unit nothing else.
 */
export interface Unit extends Explained {
  readonly id: string;
  readonly params: z.ZodObject;
  /** What it needs, whatever its parameters; nothing when left out. */
  readonly needs?: readonly Need[];
  /** What it needs besides, by its parameters. */
  needsFor?(params: Record<string, unknown>): readonly Need[];
  /** Of a unit from outside: its module, as suites name it, and the hash of that. */
  readonly module?: { readonly name: string; readonly hash: string };
}

/** A unit with its parameters, defaults filled in. */
export interface Chosen<U extends Unit = Unit> {
  readonly unit: U;
  readonly params: Record<string, unknown>;
}

/** All that a unit needs with these parameters. */
export const needsOf = ({ unit, params }: Chosen): readonly Need[] => [
  ...(unit.needs ?? []),
  ...(unit.needsFor?.(params) ?? []),
];

/**
 * The schema by which a suite names one of several units: `pgd`, or
 * `{ id: pgd, steps: 100 }` with its parameters.
 */
export function choiceOf<U extends Unit>(units: readonly U[]) {
  const [first, ...rest] = units.map((unit) =>
    unit.params.extend({ id: z.literal(unit.id) }),
  );
  if (first === undefined) throw new Error("no units to choose from");
  return z
    .preprocess(
      (value) => (typeof value === "string" ? { id: value } : value),
      z.discriminatedUnion("id", [first, ...rest]),
    )
    .transform(
      ({ id, ...params }): Chosen<U> => ({
        unit: units.find((u) => u.id === id) as U,
        params,
      }),
    );
}
