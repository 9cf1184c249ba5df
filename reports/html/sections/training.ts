import { line } from "d3-shape";
import { percent } from "#core";
import type { Epoch, Results } from "#results";
import { madeBy, plain } from "../../format.ts";
import { axis, round } from "./chart.ts";
import { lanesOf, trainedIn } from "./lanes.ts";

/** Two stand beside each other, so that letters are as large as those around. */
const frame = { width: 520, left: 78, right: 52, top: 16 };

/** How a training ends that did all its epochs, which needs no words. */
const FINISHED = "finished";

/** A letter of a lane's name is about so wide, in SVG units on a phone. */
const LETTER = 8.4;

/**
 * Loss, accuracy, learning rate and what was trainable, for every model that
 * this run trained.
 */
export function trainingView(results: Results) {
  const trained = [
    ...(results.base && results.base.history.length > 0
      ? [
          {
            id: "base",
            title: [
              "pre-trained on the source task",
              ...(results.base.training ?? []).map((t) => t.title),
            ].join(" + "),
            history: results.base.history,
            ended: "",
            lineage: null,
          },
        ]
      : []),
    ...results.candidates
      .filter((c) => c.history.length > 0)
      // Several tasks have one training.
      .filter((c) => c.member?.task === c.member?.tasks[0])
      .map((c) => ({
        id: c.member
          ? [c.member.of, c.replica?.index].filter(Boolean).join(".")
          : c.id,
        title: madeBy(c),
        history: c.history,
        ended: c.ended ?? "",
        lineage: c.lineage,
      })),
  ];
  return trained.map(({ id, title, history, ended, lineage }) => {
    const kept = history.find((e) => e.best);
    return {
      name: plain(id),
      title: plain(title),
      ended: ended === FINISHED ? "" : plain(ended),
      facts: numbers(lineage?.facts ?? {}),
      claims: (lineage?.claims ?? []).map(plain),
      recorded: history.some((e) => e.records),
      kept: kept
        ? `Weights of epoch ${kept.epoch} of ${history.length} kept (validation accuracy ${percent(kept.validationAccuracy)})`
        : "",
      ...chart(history),
      rows: sampled(history).map((e) => ({
        epoch: e.epoch,
        train: e.trainLoss.toFixed(3),
        validation: e.validationLoss.toFixed(3),
        accuracy: percent(e.validationAccuracy),
        rate: e.learningRate.toExponential(1),
        trainable: trainedIn(e, history),
        records: numbers(e.records ?? {}),
        best: e.best,
      })),
    };
  });
}

/** "epsilon 2.92, delta 1e-5" */
const numbers = (named: Readonly<Record<string, number>>) =>
  Object.entries(named)
    .map(([name, value]) => `${plain(name)} ${Number(value.toPrecision(3))}`)
    .join(", ");

/** At most about twenty epochs for the table: every n-th, the kept one and the last. */
function sampled(history: readonly Epoch[]): Epoch[] {
  const every = Math.ceil(history.length / 20);
  return history.filter(
    (e, i) => i % every === 0 || e.best || i === history.length - 1,
  );
}

const LANE = 18;

function chart(history: readonly Epoch[]) {
  const groups = lanesOf(history);
  const longest = Math.max(0, ...groups.map(({ name }) => [...name].length));
  const left = Math.max(frame.left, Math.round(12 + LETTER * longest));
  const right = frame.width - frame.right;
  const bottom = 170;
  const last = Math.max(2, history.length);
  const x = axis([1, last], [left, right], String, 6);
  const losses = history.flatMap((e) => [e.trainLoss, e.validationLoss]);
  const loss = axis(
    [0, Math.max(...losses)],
    [bottom, frame.top],
    (v) => String(Number(v.toPrecision(2))),
    4,
  );
  const accuracy = axis(
    [0, 1],
    [bottom, frame.top],
    (v) => `${Math.round(100 * v)} %`,
    4,
  );
  const rates = axis(
    [0, Math.max(...history.map((e) => e.learningRate), 1e-12)],
    [bottom + 72, bottom + 28],
    (v) => (v === 0 ? "0" : v.toExponential(0)),
    2,
  );
  const along = (value: (e: Epoch) => number) =>
    history.length === 1
      ? // One epoch is a stroke, since it makes no line.
        history.map((e) => `M${x.at(e.epoch)},${value(e)}h12`).join()
      : (line<Epoch>((e) => x.at(e.epoch), value)([...history]) ?? "");
  const lanes = bottom + 84;
  const best = history.find((e) => e.best);
  return {
    width: frame.width,
    height: lanes + groups.length * LANE + 26,
    left,
    right,
    bottom,
    // There is nothing between two epochs.
    x: { ticks: x.ticks.filter(({ label }) => !label.includes(".")) },
    loss,
    accuracy,
    train: along((e) => loss.at(e.trainLoss)),
    validation: along((e) => loss.at(e.validationLoss)),
    right_: along((e) => accuracy.at(e.validationAccuracy)),
    rate: along((e) => rates.at(e.learningRate)),
    rates,
    turns: turnsOf(history).map((epoch) => x.at(epoch - 0.5)),
    bottomOfAll: lanes + groups.length * LANE,
    tickY: lanes + groups.length * LANE + 16,
    keptX: best ? x.at(best.epoch) : null,
    keptY: bottom,
    lanes: groups.map(({ name, title, stretches }, i) => ({
      name,
      title,
      textY: lanes + i * LANE + 12,
      bars: stretches.map(([from, to]) => ({
        x: round(x.at(from) - 1),
        y: lanes + i * LANE + 2,
        width: Math.max(2, round(x.at(to) - x.at(from) + 2)),
      })),
    })),
    laneHeight: LANE - 5,
  };
}

/** The first epochs in which other layer groups were trained than before. */
const turnsOf = (history: readonly Epoch[]): number[] =>
  history.flatMap(({ epoch, trainable }, i) =>
    i > 0 && trainable.join() !== history[i - 1]!.trainable.join()
      ? [epoch]
      : [],
  );
