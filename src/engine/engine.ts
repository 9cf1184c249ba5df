import type { Graph, Tensor } from "#onnx";

export type Feeds = Readonly<Record<string, Tensor>>;

/** A graph that is ready to run. */
export interface Session {
  /** Computes every output of the graph from all of its inputs. The engine never changes the fed arrays. */
  run(feeds: Feeds): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

export interface LoadOptions {
  /** Threads inside an operator; the engine's own choice (all cores) when left out. */
  readonly threads?: number;
}

/** Something that runs graphs. */
export interface Engine {
  readonly id: string;
  /** Name and version, for the provenance of results. */
  readonly title: string;
  /** @throws ENGINE_LOAD when the graph is not one that the engine can run */
  load(graph: Graph, options?: LoadOptions): Promise<Session>;
}
