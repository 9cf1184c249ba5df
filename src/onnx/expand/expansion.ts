import { AssayError } from "#core";
import type { GraphBuilder } from "../builder.ts";
import { describeNode, type Node } from "../graph.ts";

/** What an expansion sees of one composite node. */
export interface ExpandContext {
  /** Adds the primitives; knows type and shape of every value before the node. */
  readonly b: GraphBuilder;
  readonly node: Node;
  /** The inputs of the node; "" for an absent one. */
  readonly inputs: readonly string[];
}

/**
 * Computes the outputs of a composite node with simpler nodes, exactly as its
 * definition says. Returns one value for each output, undefined for those that it does
 * not offer (training-only ones). `expand` gives them the names of the node's outputs.
 *
 * @throws EXPAND_UNSUPPORTED (see `cannotExpand`) for a form that it does not cover
 */
export type Expansion = (
  context: ExpandContext,
) => readonly (string | undefined)[];

/** Expansions by operator; those of other domains by `domain.Operator`. */
export type ExpansionTable = Readonly<Record<string, Expansion>>;

/** The error of an expansion that does not cover this form of its operator. */
export function cannotExpand(
  node: Node,
  what: string,
  hint: string,
): AssayError {
  return new AssayError(
    "EXPAND_UNSUPPORTED",
    `${describeNode(node)} cannot be written as simpler operators: ${what}`,
    hint,
  );
}
