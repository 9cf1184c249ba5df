import type { Engine, Session } from "../engine.ts";
import { type Backend, findBackend, type Packages } from "./backend.ts";
import type { TensorFlow, TfTensor } from "./kernel.ts";
import {
  constantsOf,
  fedTo,
  type Program,
  programOf,
  runStep,
  type Values,
} from "./program.ts";
import { differentiated } from "./tape.ts";
import { readAll } from "./values.ts";

/**
 * TensorFlow.js, from whichever of its packages is installed. It runs the same
 * graphs as onnxruntime, more slowly, and takes gradients by a tape of its own,
 * which makes it the independent check of ours.
 *
 * @param onWarning told of a package that is there but cannot be loaded
 * @throws ENGINE_MISSING when no package is installed
 */
export async function tfjsEngine(
  onWarning?: (message: string) => void,
  from?: Packages,
): Promise<Engine> {
  return engineOn(await findBackend(onWarning, from));
}

function engineOn(backend: Backend): Engine {
  const { tf } = backend;
  return {
    id: "tfjs",
    title: `tfjs ${backend.version} (${backend.package}, ${backend.name})`,
    load: async (graph) => forwardSession(tf, programOf(graph)),
    differentiate: async (graph, request) => differentiated(tf, graph, request),
  };
}

function forwardSession(tf: TensorFlow, program: Program): Session {
  const constants = constantsOf(tf, program);
  const lastUse = lastUses(program);
  return {
    async run(feeds) {
      const outputs = tf.tidy(() => {
        const values: Values = new Map(constants);
        for (const [name, t] of fedTo(tf, program, feeds)) values.set(name, t);
        program.steps.forEach((step, i) => {
          tf.tidy(() => {
            runStep(tf, step, values);
            return step.node.outputs.flatMap((o) => values.get(o) ?? []);
          });
          for (const name of lastUse[i] ?? []) {
            values.get(name)?.dispose();
            values.delete(name);
          }
        });
        return program.graph.outputs.map(
          // A constant or an input may be an output too.
          ({ name }) => tf.clone(values.get(name) as TfTensor),
        );
      });
      return readAll(
        program.graph.outputs.map((o) => o.name),
        program.typeOf,
        outputs,
      );
    },
    async release() {
      tf.dispose([...constants.values()]);
      constants.clear();
    },
  };
}

/** For each step, the values that nothing reads after it. */
function lastUses({ graph, steps }: Program): string[][] {
  const needed = new Set(graph.outputs.map((o) => o.name));
  const dead: string[][] = steps.map(() => []);
  const made = new Set(steps.flatMap((s) => s.node.outputs));
  for (const [i, { node }] of [...steps.entries()].reverse()) {
    for (const name of [...node.inputs, ...node.outputs]) {
      if (!made.has(name) || needed.has(name)) continue;
      needed.add(name);
      dead[i]?.push(name);
    }
  }
  return dead;
}
