import { AssayError, percent } from "#core";
import type { Dataset } from "#data";
import { type CompiledModel, classesSeen } from "#model";
import type { Preflight } from "./preflight.ts";
import type { ReadyModel } from "./ready.ts";

/** The share of samples that rounding may decide otherwise. */
const TOLERATED = 0.01;

/**
 * Compares the classes of the graph that is attacked, which computes in float32 with
 * operators of one dialect, with those that its file gives as it is.
 *
 * @param asGiven the file's classes; see `classesAsGiven`. What it cannot run is said.
 */
export async function asShipped(
  model: CompiledModel,
  { x, targets }: Dataset,
  name: string,
  asGiven: ReadyModel["asGiven"],
): Promise<Pick<Preflight, "warnings" | "faults">> {
  let given: Int32Array | undefined;
  try {
    given = await asGiven?.(x);
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    const why = `The file of ${name} does not run as it is, so it is not compared with the graph that is attacked: ${error.message}.`;
    return { warnings: [why], faults: [] };
  }
  if (!given) return { warnings: [], faults: [] };
  const seen = classesSeen(model.model, await model.logits(x), targets);
  const n = seen.length;
  const apart = seen.filter((p, i) => p !== given?.[i]).length;
  if (apart === 0) return { warnings: [], faults: [] };
  const what = `The file of ${name} as it is, in its own types, answers otherwise than the graph that is attacked on ${apart} of ${n} samples (${percent(apart / n)})`;
  return apart > TOLERATED * n && apart > 1
    ? {
        warnings: [],
        faults: [
          `${what}: what is attacked is not what is shipped; export it in float32, or audit the form that is deployed.`,
        ],
      }
    : { warnings: [`${what}.`], faults: [] };
}
