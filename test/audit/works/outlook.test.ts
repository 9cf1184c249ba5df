import { expect, test } from "vitest";
import { openStore } from "../../../src/audit/store.ts";
import { costsOf } from "../../../src/audit/works/costs.ts";
import { outlook } from "../../../src/audit/works/outlook.ts";
import { peaksOf } from "../../../src/audit/works/peaks.ts";
import { temporaryFolder } from "../../folder.ts";
import { fakeWork } from "./fake.ts";

test("a run says beforehand how much there is to do, and what of that is a guess", () => {
  const store = openStore(temporaryFolder());
  const works = [1, 2].map((k) => fakeWork(store, `cell ${k}`, { size: 100 }));
  const trial = fakeWork(store, "trial", { kind: "trial", size: 100 });
  const costs = costsOf(new Map([["cell", { seconds: 60, size: 100 }]]));
  const peaks = peaksOf(new Map([["cell", 7e8]]));
  expect(outlook(works, store, 2, costs, peaks)).toBe(
    "2 works to do, about 1 min with 2 workers, about 700 MB of memory each",
  );
  expect(outlook([...works, trial], store, 1, costs, peaksOf())).toMatch(
    /^3 works to do, about .* with 1 worker \(trial: a guess, not done on this machine yet\), memory not known yet/,
  );
  for (const { record } of works) store.write(record, 1);
  expect(outlook(works, store, 2, costs, peaks)).toBeUndefined();
});
