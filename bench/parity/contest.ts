import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeNpy, packagePath, sha256 } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import { type CompiledModel, compile } from "#model";
import { floats } from "#onnx";
import { openPeer } from "../peers/peer.ts";
import { lessonOf, type ModelName } from "./models.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import type { Row } from "./rows.ts";

/** A row with the draws that both sides make. */
export type Seeded = Row & { readonly seed: number };

/** What both sides did to the samples of a row. */
export interface Outcomes {
  readonly ours: Outcome;
  readonly theirs?: Outcome & { readonly version: string };
}

/** Assay and the libraries, ready to attack the same models. */
export interface Contest {
  /** Of PyTorch; undefined where there is none. */
  readonly version?: string;
  /** The hash of a model's weights. */
  weightsOf(model: ModelName): Promise<string>;
  /** Attacks on both sides, one after the other. */
  run(row: Seeded): Promise<Outcomes>;
  stop(): void;
}

interface Ready {
  readonly compiled: CompiledModel;
  readonly test: Dataset;
  readonly weights: string;
}

/** Where models, images and finished rows are kept. */
export const folder = packagePath("runs/parity");

/** @param threads of each side */
export async function openContest(threads: number): Promise<Contest> {
  const peer = await openPeer("parity_peer.py", "inherit", threads);
  const models = new Map<ModelName, Promise<Ready>>();
  const ready = (name: ModelName): Promise<Ready> => {
    const model = models.get(name) ?? open(name, threads);
    models.set(name, model);
    return model;
  };
  return {
    version: peer?.version,
    weightsOf: async (model) => (await ready(model)).weights,
    async run(row) {
      const { compiled, test } = await ready(row.model);
      const ours = await outcomeOf(compiled, row, test.x, test.y);
      const question = { folder, ...row, ...row.peer };
      return { ours, theirs: await peer?.ask(question) };
    },
    stop: () => peer?.stop(),
  };
}

/** Compiles a model, and writes its images where the peer finds them. */
async function open(name: ModelName, threads: number): Promise<Ready> {
  const { model, test } = await lessonOf(name, folder);
  const { x, y } = test;
  const labels = floats([y.length], Array.from(y));
  writeFileSync(join(folder, `${name}-x.npy`), encodeNpy(x));
  writeFileSync(join(folder, `${name}-y.npy`), encodeNpy(labels));
  return {
    compiled: await compile(model, onnxruntime, { threads }),
    test,
    weights: sha256(readFileSync(join(folder, `${name}.onnx`))),
  };
}
