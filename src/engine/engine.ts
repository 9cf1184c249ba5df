import type { Graph, Tensor } from "#onnx";

export type Feeds = Readonly<Record<string, Tensor>>;

/** A graph that is ready to run. */
export interface Session {
  /**
   * Computes every output of the graph from all of its inputs. The engine never
   * changes the fed arrays.
   */
  run(feeds: Feeds): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

export interface LoadOptions {
  /** Threads inside an operator; the engine's own choice (all cores) when left out. */
  readonly threads?: number;
  /**
   * Threads at most, where all numbers of them up to this one have to give the same
   * bits.
   */
  readonly mostThreads?: number;
  /**
   * Whether it is run a few times only, so that weights are not worth laying out anew,
   * which takes memory for a copy of them.
   */
  readonly isBrief?: boolean;
}

/**
 * A part of a graph that the gradient passes over unchanged, as if it
 * were the identity.
 */
export interface StraightPart {
  readonly input: string;
  readonly output: string;
}

/** A gradient to take, as `gradient()` of the autodiff room takes it. */
export interface GradientRequest {
  /** The value to differentiate. Its elements are summed unless `seed` weights them. */
  readonly of: string;
  /**
   * The values to differentiate with respect to: inputs, constants or any value inside.
   */
  readonly wrt: readonly string[];
  /** A value in the shape of `of` by which its elements are weighted. */
  readonly seed?: string;
  readonly straightThrough?: readonly StraightPart[];
}

/** A graph that is ready to run with its gradients. */
export interface Differentiated {
  /** Computes every output of the graph, and the gradients. */
  readonly session: Session;
  /** The name that the gradient of each value of `wrt` has among what a run returns. */
  readonly gradients: ReadonlyMap<string, string>;
}

/** Something that runs graphs. */
export interface Engine {
  readonly id: string;
  /** Name and version, for the provenance of results. */
  readonly title: string;
  /**
   * Of what gradients may be written with, what it has no kernels for; the only place
   * where formulas depend on the device.
   */
  readonly avoid?: readonly "MaxPool indices"[];
  /**
   * Floats of one value that stay in its cache; left out where large batches are best.
   */
  readonly cachedFloats?: number;
  /** @throws ENGINE_LOAD when the graph is not one that the engine can run */
  load(graph: Graph, options?: LoadOptions): Promise<Session>;
  /**
   * Takes gradients by means of its own, such as a tape. An engine without it
   * runs the graphs that our `gradient()` makes.
   *
   * @throws GRADIENT_NO_PATH, here or when it runs, when `of` does not depend smoothly
   *   on a value of `wrt`
   * @throws GRADIENT_UNSUPPORTED, here or when it runs, for an operator
   *   without a gradient
   */
  differentiate?(
    graph: Graph,
    request: GradientRequest,
    options?: LoadOptions,
  ): Promise<Differentiated>;
}
