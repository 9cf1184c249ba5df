import { existsSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { z } from "zod";
import { AssayError, readFile } from "#core";
import { type FloatTensor, floats, halfToNumber, sizeOf } from "#onnx";

const spec = z.object({
  name: z.string(),
  shape: z.array(z.int().nonnegative()),
  dtype: z.string(),
  quantization: z
    .object({
      dtype: z.enum(["uint8", "uint16", "float16"]),
      scale: z.number().optional(),
      min: z.number().optional(),
    })
    .optional(),
});
type Spec = z.output<typeof spec>;

/** Which files hold the weights, and in which order. */
export const manifestSchema = z.array(
  z.object({ paths: z.array(z.string()), weights: z.array(spec) }),
);
export type Manifest = z.output<typeof manifestSchema>;

/**
 * The weights of a TensorFlow.js model by name. Those that were quantised are
 * floats again.
 *
 * @param folder where the files of weights are
 * @param file names the model in messages
 * @throws FILE_UNREADABLE, MODEL_INVALID, MODEL_TRUNCATED
 */
export function readWeights(
  manifest: Manifest,
  folder: string,
  file: string,
): Map<string, FloatTensor> {
  const weights = new Map<string, FloatTensor>();
  for (const group of manifest) {
    const bytes = joined(shardsOf([group], folder, file));
    const parts = group.weights.map((w) => ({ w, size: bytesOf(w, file) }));
    const total = parts.reduce((sum, { size }) => sum + size, 0);
    if (total !== bytes.length) {
      throw new AssayError(
        bytes.length < total ? "MODEL_TRUNCATED" : "MODEL_INVALID",
        `${file}: ${group.paths.join(", ")} holds ${bytes.length.toLocaleString("en")} bytes, its weights need ${total.toLocaleString("en")}`,
        "Download or save the model again; all of its files belong together.",
      );
    }
    let at = 0;
    for (const { w, size } of parts) {
      weights.set(w.name, decoded(w, bytes.slice(at, at + size)));
      at += size;
    }
  }
  return weights;
}

/** The files of weights as they are. Throws what `shardPaths` throws. */
export const shardsOf = (manifest: Manifest, folder: string, file: string) =>
  shardPaths(manifest, folder, file).map(readFile);

/** Where weights are. Throws MODEL_INVALID for a file outside of the folder. */
export function shardPaths(
  manifest: Manifest,
  folder: string,
  file: string,
): string[] {
  return manifest.flatMap(({ paths }) =>
    paths.map((path) => {
      const full = join(folder, path);
      const isLinkOut = () =>
        existsSync(full) && !isInside(realpathSync(full), realpathSync(folder));
      if (isAbsolute(path) || !isInside(full, folder) || isLinkOut())
        throw new AssayError(
          "MODEL_INVALID",
          `${file} refers to weights in "${path}", outside of its folder`,
          "Put the weights beside the model.",
        );
      return full;
    }),
  );
}

/** Whether a path lies in a folder; both as the file system writes them, or neither. */
const isInside = (path: string, folder: string) =>
  !/^\.\.($|[\\/])/.test(relative(folder, path)) &&
  !isAbsolute(relative(folder, path));

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const widths: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  uint8: 1,
  uint16: 2,
  float16: 2,
};

function bytesOf({ name, shape, dtype, quantization }: Spec, file: string) {
  const width = widths[quantization?.dtype ?? dtype];
  if (width !== undefined && (dtype === "float32" || dtype === "int32"))
    return width * sizeOf(shape);
  throw new AssayError(
    "MODEL_INVALID",
    `${file}: weight "${name}" is ${dtype}, which is not supported`,
    "Save the model with float32 weights.",
  );
}

/** The numbers of a weight. Its bytes begin a buffer of their own. */
function decoded(w: Spec, bytes: Uint8Array): FloatTensor {
  const { buffer } = bytes;
  if (!w.quantization)
    return floats(
      w.shape,
      w.dtype === "int32" ? new Int32Array(buffer) : new Float32Array(buffer),
    );
  const { dtype, scale = 1, min = 0 } = w.quantization;
  if (dtype === "float16")
    return floats(
      w.shape,
      Float32Array.from(new Uint16Array(buffer), halfToNumber),
    );
  const levels = dtype === "uint8" ? bytes : new Uint16Array(buffer);
  return floats(
    w.shape,
    Float32Array.from(levels, (q) => q * scale + min),
  );
}
