import type { Samples } from "#model";
import type { FloatTensor } from "#onnx";
import type { Store } from "../store.ts";

/** Where the examples of an attack are kept: numbers as npy, texts as JSON. */
export const examplesFile = (key: string, examples: Samples): string =>
  `examples/${key}.${"dims" in examples ? "npy" : "texts.json"}`;

export const readExamples = (store: Store, file: string): Samples =>
  file.endsWith(".npy")
    ? store.readTensor(file)
    : (store.read<string[]>(file) as string[]);

export function writeExamples(
  store: Store,
  file: string,
  examples: Samples,
): void {
  if ("dims" in examples) store.writeTensor(file, examples as FloatTensor);
  else store.write(file, examples);
}
