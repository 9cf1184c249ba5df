import { parentPort, workerData } from "node:worker_threads";
import { Random } from "#core";
import { openEngine } from "#engine";
import { compile } from "#model";
import { floats } from "#onnx";
import { architectureOf } from "#tuning";

// One of several workers that attack a small network at once: it says how many steps it
// took from the moment that all are ready.

const SHAPE = [1, 28, 28];
const BATCH = 32;

const { threads, seconds } = workerData as {
  threads: number;
  seconds: number;
};
const port = parentPort;
if (!port) throw new Error("thread.ts runs as a worker thread");

const random = new Random(0);
const engine = await openEngine({ threads });
const classes = ["0", "1"];
const model = await compile(
  architectureOf("small-cnn").build(SHAPE, classes, random),
  engine,
);
const x = floats(
  [BATCH, ...SHAPE],
  Float32Array.from({ length: BATCH * 784 }, () => random.uniform()),
);
const y = new Int32Array(BATCH);
await model.lossGradient(x, y);
port.once("message", async () => {
  const started = performance.now();
  let steps = 0;
  while (performance.now() - started < 1000 * seconds) {
    await model.lossGradient(x, y);
    steps++;
  }
  const took = (performance.now() - started) / 1000;
  await model.release();
  port.postMessage(steps / took);
  port.close();
});
port.postMessage("ready");
