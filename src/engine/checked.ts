import { messageOf } from "#core";
import type { Graph, Tensor } from "#onnx";
import type { Engine, Session } from "./engine.ts";

/**
 * How far outputs of a device may be from the CPU's, as a share of the
 * largest number in them.
 */
const TOLERANCE = 1e-2;

/**
 * An engine whose every graph is tried once beside a reference: where it cannot
 * load a graph, fails on its first run, or computes something else, the
 * reference takes its place for that graph.
 *
 * @param onFallBack told of the graph, and why
 */
export function checkedAgainst(
  reference: Engine,
  engine: Engine,
  onFallBack: (graph: Graph, why: string) => void,
): Engine {
  return {
    ...engine,
    async load(graph, options) {
      const spare = await reference.load(graph, options);
      let session: Session;
      try {
        session = await engine.load(graph, options);
      } catch (error) {
        onFallBack(graph, messageOf(error));
        return spare;
      }
      return firstRunChecked(session, spare, (why) => onFallBack(graph, why));
    },
  };
}

function firstRunChecked(
  session: Session,
  spare: Session,
  onFallBack: (why: string) => void,
): Session {
  let chosen: Session | undefined;
  return {
    async run(feeds) {
      if (chosen) return chosen.run(feeds);
      const expected = await spare.run(feeds);
      const why = await differs(session, feeds, expected);
      chosen = why === undefined ? session : spare;
      if (why !== undefined) onFallBack(why);
      await (why === undefined ? spare : session).release();
      return expected;
    },
    async release() {
      if (chosen) return chosen.release();
      await session.release();
      await spare.release();
    },
  };
}

/** Why a session cannot be trusted with these feeds; undefined when it can. */
async function differs(
  session: Session,
  feeds: Parameters<Session["run"]>[0],
  expected: Readonly<Record<string, Tensor>>,
): Promise<string | undefined> {
  let seen: Record<string, Tensor>;
  try {
    seen = await session.run(feeds);
  } catch (error) {
    return messageOf(error);
  }
  for (const [name, value] of Object.entries(expected)) {
    if (value.type !== "float32") continue;
    const apart = farthest(
      value.data as Float32Array,
      (seen[name]?.data ?? []) as Float32Array,
    );
    if (!(apart <= TOLERANCE))
      return `its "${name}" differs from the CPU's by ${(100 * apart).toPrecision(2)} % of the largest`;
  }
  return undefined;
}

/**
 * The largest difference as a share of the largest expected number; NaN where only one
 * of two is a number.
 */
function farthest(expected: Float32Array, seen: Float32Array): number {
  if (expected.length !== seen.length) return Number.NaN;
  let apart = 0;
  let largest = 1e-12;
  for (let i = 0; i < expected.length; i++) {
    const [e, s] = [expected[i]!, seen[i]!];
    if (Number.isNaN(e) && Number.isNaN(s)) continue;
    const difference = e === s ? 0 : Math.abs(e - s);
    if (Number.isNaN(difference)) return Number.NaN;
    apart = Math.max(apart, difference);
    if (Number.isFinite(e)) largest = Math.max(largest, Math.abs(e));
  }
  return apart / largest;
}
