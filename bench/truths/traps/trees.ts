import type { Random } from "#core";
import type { Dataset } from "#data";
import {
  emptyGraph,
  type Graph,
  GraphBuilder,
  int,
  ints,
  sizeOf,
  string,
} from "#onnx";

/** A node of a tree: a question about one column, or the shares of the classes. */
type Tree =
  | {
      readonly column: number;
      readonly at: number;
      readonly low: Tree;
      readonly high: Tree;
    }
  | { readonly shares: readonly number[] };

interface Growing {
  readonly data: Dataset;
  readonly depth: number;
  /** Columns that each question is chosen of; all when left out. */
  readonly columns?: number;
  readonly random: Random;
}

/** A tree by the impurity of Gini (Breiman et al. 1984, CART). */
function grow(rows: readonly number[], { data, ...how }: Growing): Tree {
  const { x, y, classes } = data;
  const width = sizeOf(x.dims.slice(1));
  const shares = classes.map(
    (_, k) => rows.filter((i) => y[i] === k).length / rows.length,
  );
  if (how.depth === 0 || rows.length < 4 || Math.max(...shares) === 1)
    return { shares };
  const asked = how.random.permutation(width).slice(0, how.columns ?? width);
  let best = { impurity: gini(shares) * rows.length - 1e-9, column: -1, at: 0 };
  for (const column of asked) {
    const value = (i: number) => x.data[i * width + column]!;
    const sorted = rows.toSorted((a, b) => value(a) - value(b));
    const left = classes.map(() => 0);
    const right = shares.map((share) => share * rows.length);
    for (let k = 1; k < sorted.length; k++) {
      const [before, here] = [sorted[k - 1]!, sorted[k]!];
      left[y[before]!]!++;
      right[y[before]!]!--;
      if (value(here) === value(before)) continue;
      const impurity = ofCounts(left, k) + ofCounts(right, sorted.length - k);
      if (impurity < best.impurity)
        best = { impurity, column, at: (value(here) + value(before)) / 2 };
    }
  }
  const { column, at } = best;
  if (column < 0) return { shares };
  const isLow = (i: number) => x.data[i * width + column]! <= Math.fround(at);
  const next = { data, ...how, depth: how.depth - 1 };
  return {
    column,
    at,
    low: grow(rows.filter(isLow), next),
    high: grow(
      rows.filter((i) => !isLow(i)),
      next,
    ),
  };
}

const gini = (shares: readonly number[]) =>
  1 - shares.reduce((sum, share) => sum + share * share, 0);

const ofCounts = (counts: readonly number[], n: number) =>
  n * gini(counts.map((count) => count / n));

/** One tree of all rows and columns. */
export const tree = (data: Dataset, random: Random): Graph =>
  graphOf([grow([...data.y.keys()], { data, depth: 8, random })], data);

/** Trees of drawn rows and columns (Breiman 2001, random forests). */
export function forest(data: Dataset, random: Random, count = 20): Graph {
  const n = data.y.length;
  const columns = Math.ceil(Math.sqrt(sizeOf(data.x.dims.slice(1))));
  const trees = Array.from({ length: count }, () =>
    grow(
      Array.from({ length: n }, () => random.below(n)),
      { data, depth: 8, columns, random },
    ),
  );
  return graphOf(trees, data);
}

/** Trees as exporters of scikit-learn write them, which give a label and shares. */
function graphOf(trees: readonly Tree[], { x, classes }: Dataset): Graph {
  const { nodes, leaves } = listed(trees);
  const listOf = <T>(key: keyof T, of: readonly T[]) =>
    of.map((one) => Number(one[key]));
  const shape = x.dims.slice(1);
  const b = new GraphBuilder(emptyGraph("trees"));
  const input = b.input({
    name: "input",
    type: "float32",
    dims: ["batch", ...shape],
  });
  const flat =
    shape.length === 1 ? input : b.op("Flatten", [input], { axis: int(1) });
  b.append({
    name: "trees",
    op: "TreeEnsembleClassifier",
    domain: "ai.onnx.ml",
    inputs: [flat],
    outputs: ["label", "probabilities"],
    attributes: {
      classlabels_int64s: ints(classes.map((_, k) => k)),
      post_transform: string("NONE"),
      nodes_treeids: ints(listOf("tree", nodes)),
      nodes_nodeids: ints(listOf("id", nodes)),
      nodes_featureids: ints(listOf("column", nodes)),
      nodes_values: floatsOf(listOf("at", nodes)),
      nodes_modes: {
        kind: "strings",
        value: nodes.map(({ isLeaf }) => (isLeaf ? "LEAF" : "BRANCH_LEQ")),
      },
      nodes_truenodeids: ints(listOf("low", nodes)),
      nodes_falsenodeids: ints(listOf("high", nodes)),
      class_treeids: ints(listOf("tree", leaves)),
      class_nodeids: ints(listOf("id", leaves)),
      class_ids: ints(listOf("of", leaves)),
      class_weights: floatsOf(listOf("weight", leaves)),
    },
  });
  const graph = b.build(["label", "probabilities"]);
  return { ...graph, opsets: new Map([...graph.opsets, ["ai.onnx.ml", 3]]) };
}

const floatsOf = (value: readonly number[]) => ({
  kind: "floats" as const,
  value,
});

/** All nodes of all trees, and the shares of their leaves. */
function listed(trees: readonly Tree[]) {
  const nodes: {
    tree: number;
    id: number;
    column: number;
    at: number;
    isLeaf: boolean;
    low: number;
    high: number;
  }[] = [];
  const leaves: { tree: number; id: number; of: number; weight: number }[] = [];
  const place = (node: Tree, tree: number, from: number): number => {
    const id = nodes.length - from;
    if ("shares" in node) {
      nodes.push({ tree, id, column: 0, at: 0, isLeaf: true, low: 0, high: 0 });
      node.shares.forEach((share, of) => {
        leaves.push({ tree, id, of, weight: share / trees.length });
      });
      return id;
    }
    const { column, at } = node;
    const own = { tree, id, column, at, isLeaf: false, low: 0, high: 0 };
    nodes.push(own);
    own.low = place(node.low, tree, from);
    own.high = place(node.high, tree, from);
    return id;
  };
  for (const [tree, root] of trees.entries()) place(root, tree, nodes.length);
  return { nodes, leaves };
}
