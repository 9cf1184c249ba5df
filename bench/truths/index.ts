import { parseArgs } from "node:util";
import { adaptation } from "./adaptation.ts";
import { adaptiveAttack } from "./adaptive-attack.ts";
import { certified } from "./certified.ts";
import { comparison, gateError } from "./comparing.ts";
import { decidedEarly } from "./deciding.ts";
import { fewSamples } from "./few-samples.ts";
import { clustersInterval, ratioInterval, seedsInterval } from "./intervals.ts";
import { membership } from "./membership.ts";
import { printTraps } from "./traps/index.ts";
import { differences, type Pair } from "./truth.ts";

// What the literature says of directions, on the digits that come with the package,
// over several seeds; and what our own intervals say, by simulation. With `traps`, what
// audits say of models that hide how weak they are, and of honest ones. Prints the
// tables in docs/results.md.

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string" },
    only: { type: "string", multiple: true },
    /** Of the traps: shapes of data, ids of models, attacks. */
    world: { type: "string", multiple: true },
    model: { type: "string", multiple: true },
    attack: { type: "string", multiple: true },
  },
});

if (positionals.includes("traps"))
  await printTraps({
    seeds: Number(options.seeds ?? 6),
    worlds: options.world,
    models: options.model,
    attacks: options.attack,
  });
else await printDirections(Number(options.seeds ?? 8));

/** Measures each direction over the seeds, and prints their table. */
async function printDirections(seedCount: number): Promise<void> {
  const truths = [
    fewSamples([5, 20], { base: 20, tuned: 40 }, [1e-3, 3e-3, 1e-2]),
    adaptation(20),
    adaptiveAttack(20, 100),
    certified(30, 100),
    membership(20, 100),
    seedsInterval(500),
    clustersInterval(500),
    ratioInterval(1000),
    comparison(200),
    gateError(200),
    decidedEarly(2000),
  ].filter(({ id }) => !options.only || options.only.includes(id));

  const percent = (share: number) => (100 * share).toFixed(1);

  console.log(
    "| what, and against what | first | second | difference | 95 % interval | |",
  );
  console.log("|---|---|---|---|---|---|");
  for (const { id, measure } of truths) {
    const seeds: Pair[][] = [];
    for (let seed = 1; seed <= seedCount; seed++) {
      const begun = performance.now();
      seeds.push(await measure(seed));
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      console.error(`${id}: seed ${seed} in ${seconds} s`);
    }
    for (const row of differences(seeds)) {
      const { what, first, second, difference, interval, holds } = row;
      console.log(
        `| ${[
          what,
          `${percent(first)} %`,
          `${percent(second)} %`,
          `${percent(difference)}`,
          interval
            ? `${percent(interval.low)} to ${percent(interval.high)}`
            : "the same of every seed",
          holds ? "holds" : "does not hold",
        ].join(" | ")} |`,
      );
    }
  }
}
