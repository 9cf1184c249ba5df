import { z } from "zod";
import { AssayError } from "#core";

/** A layer as the file describes it. */
export interface LayerSpec {
  readonly className: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** One use of a layer. A layer that is used twice shares its weights. */
export interface Call {
  readonly layer: LayerSpec;
  /** The calls whose outputs it gets, by their number in the list of calls. */
  readonly inputs: readonly number[];
}

/** Layers in the order in which they can be computed. */
export interface Topology {
  readonly calls: readonly Call[];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

const layerSchema = z.object({
  class_name: z.string(),
  config: z.record(z.string(), z.unknown()),
  name: z.string().optional(),
  inbound_nodes: z.array(z.unknown()).optional(),
});
type RawLayer = z.output<typeof layerSchema>;

const reference = z.tuple([z.string(), z.int(), z.int()], z.unknown());
const modelSchema = z.object({
  class_name: z.string(),
  config: z.union([
    z.array(layerSchema),
    z.object({
      name: z.string().optional(),
      layers: z.array(layerSchema),
      input_layers: z.unknown().optional(),
      output_layers: z.unknown().optional(),
      build_input_shape: z.array(z.int().nullable()).optional(),
    }),
  ]),
});

const invalid = (file: string, what: string) =>
  new AssayError(
    "MODEL_INVALID",
    `${file}: ${what}`,
    "Save the model again with tfjs's model.save, or convert it with tensorflowjs_converter --output_format tfjs_layers_model.",
  );

/** Reads the layers of a Sequential or functional model. Throws MODEL_INVALID. */
export function topologyOf(raw: unknown, file: string): Topology {
  const parsed = modelSchema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(
      file,
      `its topology is not that of a LayersModel (at ${issue?.path.join(".") || "the top"}: ${issue?.message})`,
    );
  }
  const { class_name, config } = parsed.data;
  if (class_name === "Sequential")
    return Array.isArray(config)
      ? sequential(config, undefined, file)
      : sequential(config.layers, config.build_input_shape, file);
  if (!["Model", "Functional"].includes(class_name) || Array.isArray(config))
    throw invalid(file, `a model of class ${class_name} cannot be read`);
  return functional(
    config.layers,
    config.input_layers,
    config.output_layers,
    file,
  );
}

function specOf({ class_name, config, name }: RawLayer): LayerSpec {
  const own = config.name;
  return {
    className: class_name,
    name: name ?? (typeof own === "string" ? own : class_name),
    config,
  };
}

/** One layer after the other. The first may say what it takes. */
function sequential(
  layers: readonly RawLayer[],
  shape: readonly (number | null)[] | undefined,
  file: string,
): Topology {
  const [first] = layers;
  if (!first) throw invalid(file, "the model has no layers");
  const specs = layers.map(specOf);
  if (first.class_name !== "InputLayer") {
    specs.unshift({
      className: "InputLayer",
      name: `${specs[0]?.name}_input`,
      config: {
        batch_input_shape: shape ?? inputShape(first),
        dtype: first.config.dtype ?? innerConfig(first).dtype ?? "float32",
      },
    });
  }
  return {
    calls: specs.map((layer, i) => ({ layer, inputs: i === 0 ? [] : [i - 1] })),
    inputs: [0],
    outputs: [specs.length - 1],
  };
}

/** The configuration of the first layer of a model in a model. */
function innerConfig(layer: RawLayer): Readonly<Record<string, unknown>> {
  const inner = layer.config.layers;
  const first = Array.isArray(inner) ? inner[0]?.config : undefined;
  return first && typeof first === "object" ? first : {};
}

const inputShape = (layer: RawLayer) =>
  layer.config.batch_input_shape ??
  layer.config.batch_shape ??
  innerConfig(layer).batch_input_shape;

type Reference = readonly [layer: string, node: number];

/** The calls that a node refers to: [name, node, tensor, arguments] each. */
function referencesOf(node: unknown, layer: string, file: string): Reference[] {
  const list = z.array(reference).safeParse(node);
  if (!list.success)
    throw invalid(
      file,
      `the inputs of layer "${layer}" are written in a way that is not known`,
    );
  return list.data.map(([name, index, tensor]) => {
    if (tensor !== 0)
      throw invalid(
        file,
        `layer "${layer}" reads output ${tensor} of "${name}"`,
      );
    return [name, index] as const;
  });
}

/** Layers with the nodes at which they are called. */
function functional(
  layers: readonly RawLayer[],
  inputLayers: unknown,
  outputLayers: unknown,
  file: string,
): Topology {
  const waiting = layers.flatMap((raw) => {
    const layer = specOf(raw);
    const nodes = raw.inbound_nodes ?? [];
    if (raw.class_name === "InputLayer")
      return [{ layer, node: 0, from: [] as Reference[] }];
    return nodes.map((inbound, node) => ({
      layer,
      node,
      from: referencesOf(inbound, layer.name, file),
    }));
  });
  const ends = {
    input: endsOf(inputLayers, "input layer", file),
    output: endsOf(outputLayers, "output layer", file),
  };
  const offsets = offsetsOf(waiting, [...ends.input, ...ends.output]);
  const calls: Call[] = [];
  const places = new Map<string, number>();
  const place = ([name, node]: Reference) => places.get(`${name}/${node}`);
  let rest = waiting;
  while (rest.length > 0) {
    const later: typeof rest = [];
    for (const call of rest) {
      const inputs = call.from.map(place);
      if (inputs.every((i) => i !== undefined)) {
        const { name } = call.layer;
        const node = call.node + (offsets.get(name) ?? 0);
        places.set(`${name}/${node}`, calls.length);
        calls.push({ layer: call.layer, inputs });
      } else later.push(call);
    }
    if (later.length === rest.length)
      throw invalid(
        file,
        `layer "${later[0]?.layer.name}" gets something that nothing makes`,
      );
    rest = later;
  }
  const placesOf = (references: readonly Reference[], what: string) =>
    references.map((r) => {
      const at = place(r);
      if (at !== undefined) return at;
      throw invalid(file, `${what} "${r[0]}" is not among the layers`);
    });
  return {
    calls,
    inputs: placesOf(ends.input, "input layer"),
    outputs: placesOf(ends.output, "output layer"),
  };
}

/**
 * The layers at which a model begins or ends. A single one may stand without
 * a list around it.
 */
function endsOf(list: unknown, what: string, file: string): Reference[] {
  const one = reference.safeParse(list).success;
  return referencesOf(one ? [list] : list, what, file);
}

/**
 * The number of the first call of a layer: that of a model inside is 1, since 0 is
 * its own definition.
 */
function offsetsOf(
  calls: readonly { readonly from: readonly Reference[] }[],
  ends: readonly Reference[],
): ReadonlyMap<string, number> {
  const least = new Map<string, number>();
  for (const [name, node] of [...calls.flatMap((c) => c.from), ...ends])
    least.set(name, Math.min(node, least.get(name) ?? node));
  return new Map([...least].map(([name, node]) => [name, Math.min(node, 1)]));
}
