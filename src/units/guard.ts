import { AssayError, InterruptedError, messageOf } from "#core";
import { isAboutGradients } from "#model";
import { checks } from "./checks.ts";
import type { Kind, UnitOf } from "./kinds.ts";

/** A module, as far as its units know it. */
type Origin = { readonly name: string; readonly hash: string };

/**
 * A unit from outside, which knows its module. What it throws, and what it gives that
 * is not what its kind gives, is an error that names module and unit.
 */
export function guarded<K extends Kind>(
  kind: K,
  id: string,
  unit: UnitOf<K>,
  module: Origin,
): UnitOf<K> {
  const who = `${module.name}: ${kind} "${id}"`;
  const whole = { ...unit, ...checks[kind]?.(unit as never) };
  const calls = Object.entries(whole).map(([key, value]) => [
    key,
    typeof value === "function" ? blaming(who, value.bind(unit)) : value,
  ]);
  return { ...Object.fromEntries(calls), module };
}

/** The function, whose errors name who it is of, as do those of what it gives. */
const blaming =
  (who: string, call: (...args: unknown[]) => unknown) =>
  (...args: unknown[]): unknown => {
    try {
      const made = call(...args);
      return made instanceof Promise
        ? made.then(
            (later) => answeredFor(who, later),
            (error) => {
              throw blamed(who, error);
            },
          )
        : answeredFor(who, made);
    } catch (error) {
      throw blamed(who, error);
    }
  };

/** What a unit gave; where that has functions, their errors name the unit too. */
function answeredFor(who: string, made: unknown): unknown {
  if (
    made === null ||
    typeof made !== "object" ||
    Object.getPrototypeOf(made) !== Object.prototype ||
    !Object.values(made).some((value) => typeof value === "function")
  )
    return made;
  return new Proxy(Object.isFrozen(made) ? { ...made } : made, {
    get(target, key) {
      const value = Reflect.get(target, key);
      return typeof value === "function"
        ? blaming(who, value.bind(target))
        : value;
    },
  });
}

function blamed(who: string, error: unknown): unknown {
  if (error instanceof InterruptedError || isAboutGradients(error))
    return error;
  const { code, hint } =
    error instanceof AssayError
      ? error
      : {
          code: "UNIT_FAILED",
          hint: "Correct the module, or ask who wrote it; ASSAY_DEBUG=1 shows where it was.",
        };
  return new AssayError(code, `${who}: ${messageOf(error)}`, hint, {
    cause: error,
  });
}
