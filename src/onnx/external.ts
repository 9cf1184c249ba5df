import { realpathSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { AssayError } from "#core";
import type { TensorProto } from "./generated/onnx-ml_pb.ts";
import { type Origin, stampOf } from "./origin.ts";

/**
 * The part of a file beside the model that holds a tensor.
 *
 * @param needed bytes that the tensor has
 * @param what names the tensor in messages
 * @param model path of the model's file
 * @throws MODEL_PATH for a path that leaves the model's folder; MODEL_INVALID
 *   for any other fault
 */
export function externalPart(
  t: TensorProto,
  needed: number,
  what: string,
  model: string | undefined,
): Origin {
  const damaged = (problem: string) =>
    new AssayError(
      "MODEL_INVALID",
      `${what} ${problem}`,
      "Download or export the model again.",
    );
  const entry = (key: string) =>
    t.externalData.find((e) => e.key === key)?.value;
  const location = entry("location");
  if (model === undefined || !location)
    throw damaged("is stored outside the file, and where is not known");
  const folder = dirname(resolve(model));
  const path = resolve(folder, location);
  const leaves = () =>
    new AssayError(
      "MODEL_PATH",
      `${what} is stored in "${location}", which is outside the folder of the model`,
      "Do not use the model: nothing that exports one writes such a path.",
    );
  if (!path.startsWith(folder + sep)) throw leaves();
  let stamp: ReturnType<typeof stampOf>;
  try {
    // A link inside the folder may still lead out of it.
    if (!realpathSync(path).startsWith(realpathSync(folder) + sep))
      throw leaves();
    stamp = stampOf(path);
  } catch (error) {
    if (error instanceof AssayError) throw error;
    throw damaged(`is stored in "${location}", which is missing or unreadable`);
  }
  const offset = Number(entry("offset") ?? 0);
  const length = Number(entry("length") ?? needed);
  if (!(offset >= 0) || length !== needed || offset + length > stamp.size) {
    throw damaged(
      `needs ${needed} bytes at ${offset} of "${location}", which has ${stamp.size}`,
    );
  }
  return { path, offset, length, ...stamp };
}
