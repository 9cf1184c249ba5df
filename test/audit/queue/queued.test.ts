import { expect, test } from "vitest";
import {
  AssayError,
  InterruptedError,
  packageVersion,
  UsageError,
} from "#core";
import {
  failureOf,
  failureText,
  jobId,
  type QueuedWork,
  queuedWork,
} from "../../../src/audit/queue/queued.ts";
import { HandDied, NoHands } from "../../../src/audit/works/index.ts";

test.each([
  new AssayError("MODEL_NAN", ["a", "b"], "Look."),
  new UsageError("SUITE_INVALID", "no", "Correct it."),
  new InterruptedError(),
  new HandDied("was killed (SIGKILL)"),
  new NoHands("WORKER_START", "nobody", "Start one."),
])("what a worker throws arrives in its class: $name", (error) => {
  const arrived = failureOf(failureText(error));
  expect(arrived).toBeInstanceOf(error.constructor);
  expect(arrived).toMatchObject({
    code: error.code,
    message: error.message,
    hint: error.hint,
  });
});

test("what is a fault arrives as one, and what the queue says itself as a worker's death", () => {
  const fault = failureOf(failureText(new TypeError("not a thing")));
  expect(fault).not.toBeInstanceOf(AssayError);
  expect(fault.message).toBe("not a thing");
  const lost = failureOf("job stalled more than allowable limit");
  expect(lost).toBeInstanceOf(HandDied);
  expect(lost.message).toContain("stalled");
});

const job = (change: object = {}): QueuedWork => ({
  run: {
    version: packageVersion(),
    suite: "suite.yaml",
    hash: "00",
    modules: [],
    out: "runs/x",
    ...change,
  },
  work: "model base",
  record: "models/base-1.json",
});

test("a job of another version is refused, and so is what is none", () => {
  expect(queuedWork(job())).toEqual(job());
  const code = (data: unknown) => {
    try {
      return queuedWork(data);
    } catch (error) {
      return (error as NoHands).code;
    }
  };
  expect(code(job({ version: "0.0.1" }))).toBe("QUEUE_VERSION");
  expect(code({ anything: "else" })).toBe("QUEUE_JOB");
});

test("the same work of the same run is one job, and of another folder another", () => {
  expect(jobId(job())).toBe(jobId(job({ only: undefined })));
  expect(jobId(job())).not.toBe(jobId(job({ out: "runs/y" })));
  expect(jobId(job())).not.toMatch(/:/);
});
