import { AssayError } from "#core";
import type { FloatTensor } from "#onnx";

/** Something that runs a file as it is. */
export interface Shipped {
  /** What runs it, such as "onnxruntime". */
  readonly by: string;
  /**
   * The output that is judged, its first axis that of the samples.
   *
   * @param fed floats for each of the file's inputs, by their names
   */
  run(fed: ReadonlyMap<string, FloatTensor>): Promise<FloatTensor>;
  release(): Promise<void>;
}

/** Says why a file cannot be run as it is, as half a sentence. */
export const notCompared = (why: string, hint: string) =>
  new AssayError("NOT_COMPARED", why, hint);
