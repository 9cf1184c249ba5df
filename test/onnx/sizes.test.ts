import { expect, test } from "vitest";
import { AssayError } from "#core";
import { normalise, readModel, toFloat32 } from "#onnx";
import { differentiate, exportedNames, readExported } from "../exported.ts";
import { inferredBesideRun } from "./inferred.ts";

/** The model with all gradients that it has, and the cotangent that they ask for. */
function withGradients(model: ReturnType<typeof readExported>) {
  try {
    const { graph } = differentiate(model);
    return { graph, feeds: { ...model.inputs, cotangent: model.cotangent } };
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    const graph = normalise(toFloat32(readModel(model.file)));
    return { graph, feeds: model.inputs };
  }
}

test.each(exportedNames)(
  "%s and its gradients: every size that is told is the size that comes out",
  async (name) => {
    const { graph, feeds } = withGradients(readExported(name));
    const { values, wrong } = await inferredBesideRun(graph, feeds);
    expect(wrong).toEqual([]);
    expect(values).toBeGreaterThan(0.5 * graph.nodes.length);
  },
);
