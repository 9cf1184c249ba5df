import type { Chosen, Unit } from "#core";

/** A unit with its parameters, as reports show it. */
export function unitResult({
  unit,
  params,
}: Chosen<Unit & { title: string; reference: string }>) {
  const { id, title, reference } = unit;
  return { id, title, reference, params: plainParams(params) };
}

/** A chosen unit as it goes into hashes; one from outside with that of its module. */
export function describe({ unit, params }: Chosen) {
  return {
    id: unit.id,
    params: plainParams(params),
    module: unit.module?.hash,
  };
}

/**
 * Parameters as a suite writes them: a unit that one of them chooses becomes its
 * id and parameters.
 */
export const plainParams = (
  params: Record<string, unknown>,
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(params).map(([key, value]) => [key, plainValue(value)]),
  );

function plainValue(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return value;
  if (value instanceof Map) return Object.fromEntries(value);
  if ("unit" in value && "params" in value) {
    const { unit, params } = value as Chosen;
    return { id: unit.id, ...plainParams(params) };
  }
  return plainParams(value as Record<string, unknown>);
}
