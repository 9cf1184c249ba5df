import { expect, test } from "vitest";
import { progressOn } from "../../src/cli/progress.ts";

const rate = { value: 0.5, low: 0.4, high: 0.6, n: 100 };

/** What progress writes to a stream, with a clock that the test moves. */
function watched(isTTY: boolean) {
  const clock = { now: 0 };
  const stream = {
    isTTY,
    columns: 60,
    said: "",
    write: (text: string) => (stream.said += text),
  };
  return {
    clock,
    stream,
    progress: progressOn(
      stream as unknown as NodeJS.WriteStream,
      () => clock.now,
    ),
  };
}

test("a terminal gets one live line with the time that is left", () => {
  const { stream, progress } = watched(true);
  progress.onEvent({
    kind: "work",
    work: "cell a",
    of: "cell",
    state: "done",
    done: 1,
    total: 4,
    running: 0,
    failed: 0,
    waiting: 3,
    seconds: 60,
    left: 180,
    headline: { what: "robust", rate },
  });
  expect(stream.said).toContain("1/4 cell a: 50.0 % robust [40.0 %, 60.0 %]");
  expect(stream.said).toContain("about 3 min left");
  stream.said = "";
  progress.onEvent({ kind: "progress", what: "b", share: 0.5 });
  expect(stream.said).toBe("  1/4 b 50 % · about 3 min left");
  progress.end();
  expect(stream.said.endsWith("\r\u001b[2K")).toBe(true);
});

test("a training says how long its epochs will take", () => {
  const { clock, stream, progress } = watched(true);
  for (const epoch of [1, 2, 3]) {
    clock.now = epoch * 10_000;
    progress.onEvent({
      kind: "epoch",
      model: "m",
      epoch,
      epochs: 9,
      validationAccuracy: 0.5,
    });
  }
  expect(stream.said).toContain(
    "m: epoch 3/9, validation 50.0 % · about 1 min left",
  );
});

test("elsewhere there are plain lines, and a sign of life when a step takes long", () => {
  const { clock, stream, progress } = watched(false);
  const step = (share: number) =>
    progress.onEvent({ kind: "progress", what: "a", share });
  step(0.1);
  expect(stream.said).toBe("");
  clock.now = 31_000;
  step(0.2);
  expect(stream.said).toBe("  a 20 %\n");
  clock.now = 40_000;
  step(0.3);
  expect(stream.said).toBe("  a 20 %\n");
});
