import type { ComparedFinding, Results, Trial } from "../results/index.ts";

/** What each trial found in both runs. */
export function comparedFindings(
  old: Results,
  now: Results,
): ComparedFinding[] {
  const before = found(old);
  const after = found(now);
  return Array.from(new Set([...after.keys(), ...before.keys()]), (key) => {
    const [was, is] = [before.get(key), after.get(key)];
    const { trial, finding } = (is ?? was)!;
    return {
      candidate: trial.candidate,
      repair: trial.repair,
      trial: trial.trial,
      finding: finding.id,
      title: finding.title,
      at: finding.at,
      unit: finding.unit,
      old: was ? numberOf(was) : null,
      new: is ? numberOf(is) : null,
    };
  });
}

interface Found {
  readonly trial: Trial;
  readonly finding: Trial["findings"][number];
}

const found = ({ trials }: Results): Map<string, Found> =>
  new Map(
    trials.flatMap((trial) =>
      trial.findings.map((finding) => [
        JSON.stringify([trial.id, finding.id, finding.at]),
        { trial, finding },
      ]),
    ),
  );

const numberOf = ({
  trial: { trusted },
  finding: { value, low, high },
}: Found) => ({
  value,
  low,
  high,
  trusted,
});
