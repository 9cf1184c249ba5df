import { AssayError, messageOf } from "#core";
import { type FloatTensor, floats } from "#onnx";
import { findBackend } from "./backend.ts";

/** A LayersModel as its files hold it. */
export interface LayersFiles {
  /** What `model.json` has as modelTopology. */
  readonly topology: object;
  /** Name, shape and type of each weight, in the order of the bytes. */
  readonly weights: readonly object[];
  readonly bytes: Uint8Array;
}

/** A LayersModel that TensorFlow.js opened itself. */
export interface LayersRunner {
  /** Name and version of TensorFlow.js. */
  readonly title: string;
  /** The names of its inputs, in their order. */
  readonly inputs: readonly string[];
  /** Floats for each input, in the layout of Keras, to each output. */
  predict(fed: readonly FloatTensor[]): FloatTensor[];
  release(): void;
}

/**
 * Opens a LayersModel by TensorFlow.js, without any code of ours that knows layers.
 *
 * @throws ENGINE_MISSING when no package of it is installed, ENGINE_LOAD for
 *   a model that it refuses
 */
export async function openLayersModel({
  topology,
  weights,
  bytes,
}: LayersFiles): Promise<LayersRunner> {
  const { tf, version } = await findBackend();
  const model = await refusing(() =>
    tf.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: topology,
        weightSpecs: weights as never,
        weightData: Uint8Array.from(bytes).buffer,
      }),
    ),
  );
  return {
    title: `tfjs ${version}`,
    inputs: model.inputNames,
    release: () => model.dispose(),
    predict(fed) {
      const outputs = tf.tidy(() => {
        const x = fed.map(({ data, dims }) => tf.tensor(data, [...dims]));
        return [model.predict(x.length === 1 ? x[0]! : x)].flat();
      });
      const said = outputs.map((t) =>
        floats(t.shape, Float32Array.from(t.dataSync())),
      );
      tf.dispose(outputs);
      return said;
    },
  };
}

async function refusing<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw new AssayError(
      "ENGINE_LOAD",
      `TensorFlow.js refuses the model: ${messageOf(error).split("\n")[0]}`,
      "Save the model again with the same version of TensorFlow.js.",
      { cause: error },
    );
  }
}
