/**
 * Small LayersModels as TensorFlow.js saves them: a Sequential with a convolution, and
 * a functional model with two branches. Their weights are in `weights.bin`, all 0.1.
 */
const layer = (
  className: string,
  name: string,
  config: Record<string, unknown> = {},
  inbound?: unknown,
) => ({
  class_name: className,
  name,
  config: { name, trainable: true, dtype: "float32", ...config },
  inbound_nodes: inbound,
});

const dense = (name: string, units: number, more = {}) => ({
  units,
  activation: "linear",
  use_bias: true,
  name,
  ...more,
});

const from = (...names: string[]) => [names.map((name) => [name, 0, 0, {}])];

const models = [
  {
    topology: {
      class_name: "Sequential",
      config: {
        name: "images",
        layers: [
          layer("Conv2D", "conv", {
            filters: 2,
            kernel_size: [3, 3],
            strides: [1, 1],
            padding: "same",
            data_format: "channels_last",
            dilation_rate: [1, 1],
            activation: "relu",
            use_bias: true,
            batch_input_shape: [null, 4, 4, 1],
          }),
          layer("MaxPooling2D", "pool", {
            pool_size: [2, 2],
            padding: "valid",
            strides: [2, 2],
            data_format: "channels_last",
          }),
          layer("Flatten", "flat"),
          layer("Dense", "head", dense("head", 3, { activation: "softmax" })),
        ],
      },
    },
    weights: [
      ["conv/kernel", [3, 3, 1, 2]],
      ["conv/bias", [2]],
      ["head/kernel", [8, 3]],
      ["head/bias", [3]],
    ] as const,
  },
  {
    topology: {
      class_name: "Model",
      config: {
        name: "branches",
        layers: [
          layer("InputLayer", "x", { batch_input_shape: [null, 4] }, []),
          layer("Dense", "left", dense("left", 2), from("x")),
          layer("Dense", "right", dense("right", 2), from("x")),
          layer("Add", "sum", {}, from("left", "right")),
        ],
        input_layers: [["x", 0, 0]],
        output_layers: [["sum", 0, 0]],
      },
    },
    weights: [
      ["left/kernel", [4, 2]],
      ["left/bias", [2]],
      ["right/kernel", [4, 2]],
      ["right/bias", [2]],
    ] as const,
  },
];

const sizeOf = (shape: readonly number[]) => shape.reduce((p, d) => p * d, 1);

/** The model.json of each, with its number of weights in the name of their file. */
export const layersSeeds = models.map(({ topology, weights }) => {
  const count = weights.reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
  return JSON.stringify({
    modelTopology: topology,
    format: "layers-model",
    generatedBy: "a fuzzer",
    weightsManifest: [
      {
        paths: [`weights-${count}.bin`],
        weights: weights.map(([name, shape]) => ({
          name,
          shape,
          dtype: "float32",
        })),
      },
    ],
  });
});

/** The files of weights that the seeds name. */
export const layersWeights = layersSeeds.map((text) => {
  const [, name = "", count] = /"(weights-(\d+)\.bin)"/.exec(text) ?? [];
  return [name, new Float32Array(Number(count)).fill(0.1)] as const;
});
