import { type Kind, kinds } from "./kinds.ts";

/** By the same name in every copy of Assay: a module may have come with its own. */
const KIND = Symbol.for("assay.unit");

/** The unit, which knows of what kind it is. */
export const marked = <U extends object>(kind: Kind, unit: U): U => ({
  ...unit,
  [KIND]: kind,
});

/** Of what kind a unit is that was marked; undefined of anything else. */
export function kindOf(unit: unknown): Kind | undefined {
  const kind = (unit as { readonly [KIND]?: unknown } | null | undefined)?.[
    KIND
  ];
  return typeof kind === "string" && Object.hasOwn(kinds, kind)
    ? (kind as Kind)
    : undefined;
}
