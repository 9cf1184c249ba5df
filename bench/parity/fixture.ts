import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AssayError, encodeNpy, packagePath, Random } from "#core";
import { loadDataset, splitDataset } from "#data";
import { onnxruntime } from "#engine";
import { compile, saveModel } from "#model";
import { type FloatTensor, floats, rows as rowsOf } from "#onnx";
import { openPeer } from "../peers/peer.ts";
import { type Course, trained } from "./models.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import type { Row } from "./rows.ts";

// What the test of parity compares with: two small networks on the built-in
// digits, and what attacks of other libraries did to them. Run by hand:
// npm run -s build && ASSAY_PYTHON=python3 node dist/bench/parity/fixture.js

const SAMPLES = 100;
const folder = packagePath("test/fixtures/parity");
const courses: Record<"plain" | "robust", Course> = {
  plain: [{ eps: 0, epochs: 20 }],
  robust: [
    { eps: 0.05, epochs: 10 },
    { eps: 0.1, epochs: 20 },
    { eps: 0.15, epochs: 30 },
  ],
};

type Planned = Pick<Row, "norm" | "eps" | "attack" | "params" | "peer">;

const auto = (norm: "linf" | "l2", eps: number, attack: string): Planned => ({
  norm,
  eps,
  attack,
  params: {},
  peer: { library: "pyautoattack", name: attack, params: {} },
});
const nearest = (
  norm: "linf" | "l2",
  attack: string,
  name: string,
): Planned => ({
  norm,
  eps: null,
  attack,
  params: {},
  peer: { library: "foolbox", name, params: {} },
});
const planned: Planned[] = [
  auto("linf", 0.1, "apgd-ce"),
  {
    // The reference has all of its steps and queries; few of ours suffice.
    ...auto("l2", 0.5, "autoattack"),
    params: { queries: 100, steps: 25 },
    peer: { library: "pyautoattack", name: "standard", params: {} },
  },
  auto("l2", 0.5, "apgd-ce"),
  { ...auto("l2", 0.5, "fab-t"), params: { steps: 30 } },
  nearest("l2", "ddn", "DDNAttack"),
  nearest("l2", "deepfool", "L2DeepFoolAttack"),
  nearest("linf", "fmn", "LInfFMNAttack"),
];

const { train, test } = splitDataset(
  await loadDataset({ source: "digits" }, packagePath(".")),
  { train: 0.7, validation: 0.1, test: 0.2 },
  new Random(1),
);
const x = rowsOf(test.x, 0, SAMPLES) as FloatTensor;
const y = test.y.slice(0, SAMPLES);
const scratch = mkdtempSync(join(tmpdir(), "assay-parity-"));
const peer = await openPeer("parity_peer.py", "inherit", 1);
if (!peer)
  throw new AssayError(
    "NO_PEER",
    "there is no PyTorch to compare with",
    "Name a Python that has bench/peers/requirements.txt in ASSAY_PYTHON.",
  );
const cases = [];
for (const [model, course] of Object.entries(courses)) {
  const net = await trained(model, train, course);
  await saveModel(join(folder, `${model}.onnx`), net);
  await saveModel(join(scratch, `${model}.onnx`), net);
  writeFileSync(join(scratch, `${model}-x.npy`), encodeNpy(x));
  const labels = floats([SAMPLES], Array.from(y));
  writeFileSync(join(scratch, `${model}-y.npy`), encodeNpy(labels));
  const compiled = await compile(net, onnxruntime);
  for (const row of planned) {
    const drawn = { ...row, samples: SAMPLES, seed: 0 };
    const asked = { folder: scratch, model, ...drawn };
    const { version, robust, median } = await peer.ask<
      Outcome & { version: string }
    >({ ...asked, ...row.peer });
    const ours = await outcomeOf(compiled, drawn, x, y);
    const { norm, eps, attack, params } = row;
    const { library, name } = row.peer;
    cases.push({
      ...{ model, norm, eps, attack, params, robust, median },
      peer: `${library} ${version}, ${name}`,
    });
    console.log(model, norm, eps, attack, { robust, median }, ours);
  }
}
writeFileSync(
  join(folder, "outcomes.json"),
  `${JSON.stringify({ samples: SAMPLES, cases }, null, 1)}\n`,
);
peer.stop();
