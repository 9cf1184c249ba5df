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

const work = {
  kind: "work",
  of: "cell",
  done: 1,
  total: 4,
  running: 1,
  failed: 0,
  waiting: 2,
  seconds: 60,
  left: 180,
} as const;

const ESCAPE = String.fromCharCode(27);

/** What stands on a terminal after all that was written to it. */
function screenOf(said: string): string[] {
  const rows = [""];
  let row = 0;
  for (let i = 0; i < said.length; i++) {
    if (said.startsWith(`${ESCAPE}[1A`, i)) {
      row--;
      i += 3;
    } else if (said.startsWith(`${ESCAPE}[0J`, i)) {
      rows.length = row + 1;
      rows[row] = "";
      i += 3;
    } else if (said[i] === "\n") rows[++row] ??= "";
    else if (said[i] !== "\r") rows[row] += said[i]!;
  }
  return rows;
}

test("a terminal shows what was found, and below it what all workers do", () => {
  const { stream, progress } = watched(true);
  const tell = progress.onEvent;
  const started = { ...work, state: "started" } as const;
  tell({ ...started, work: "cell a", done: 0, waiting: 3 });
  tell({ ...started, work: "examples b/none/pgd", done: 0, running: 2 });
  tell({ kind: "progress", what: "b/none/pgd", share: 0.5 });
  expect(screenOf(stream.said)).toEqual([
    "  0/4 done, 2 running, 2 waiting · about 3 min left",
    "    cell a",
    "    examples b/none/pgd 50 %",
  ]);
  tell({
    ...work,
    work: "cell a",
    state: "done",
    headline: { what: "robust", rate },
  });
  expect(screenOf(stream.said)).toEqual([
    "  1/4 cell a: 50.0 % robust [40.0 %, 60.0 %]",
    "  1/4 done, 1 running, 2 waiting · about 3 min left",
    "    examples b/none/pgd 50 %",
  ]);
  progress.end();
  expect(screenOf(stream.said)).toEqual([
    "  1/4 cell a: 50.0 % robust [40.0 %, 60.0 %]",
    "",
  ]);
});

test("what fails says why, and what only needs it has no line", () => {
  const { stream, progress } = watched(false);
  const failed = { ...work, state: "failed", running: 0 } as const;
  progress.onEvent({
    ...failed,
    work: "look bad",
    failure: { message: "not finite", behind: 2 },
  });
  progress.onEvent({ ...failed, work: "cell bad" });
  progress.onEvent({ ...work, work: "fit x", state: "done" });
  expect(stream.said).toBe(
    "  1/4 look bad: failed: not finite (2 more need it)\n",
  );
});

test("what is kept is counted in one line", () => {
  const { stream, progress } = watched(false);
  for (const id of ["a", "b"])
    progress.onEvent({
      ...work,
      work: `cell ${id}`,
      state: "kept",
      headline: { what: "robust", rate },
    });
  progress.onEvent({ ...work, work: "cell c", state: "started" });
  expect(stream.said).toBe("  2 of 4 works are kept\n");
});

test("a training says how long its epochs will take", () => {
  const { clock, stream, progress } = watched(true);
  progress.onEvent({ ...work, work: "model m", state: "started", left: null });
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
  expect(screenOf(stream.said).at(-1)).toBe(
    "    model m: epoch 3/9, validation 50.0 % · about 1 min lef",
  );
});

test("elsewhere there are plain lines, and a sign of life when a step takes long", () => {
  const { clock, stream, progress } = watched(false);
  const step = (share: number) =>
    progress.onEvent({ kind: "progress", what: "a", share });
  progress.onEvent({ ...work, work: "examples a", state: "started" });
  step(0.1);
  expect(stream.said).toBe("");
  clock.now = 31_000;
  step(0.2);
  const sign =
    "  1/4 done, 1 running, 2 waiting · about 3 min left; examples a 20 %\n";
  expect(stream.said).toBe(sign);
  clock.now = 40_000;
  step(0.3);
  expect(stream.said).toBe(sign);
});
