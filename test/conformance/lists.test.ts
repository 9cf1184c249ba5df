import { describe, expect, it } from "vitest";
import { type Attack, trialAttacks } from "#attacks";
import { catalog } from "#audit";
import { type Detector, detectors, type Sanitizer } from "#defenses";
import type { Strategy } from "#tuning";
import { randomEdits } from "../../attacks/text/random-edits.ts";
import { energy } from "../../defenses/detectors/energy.ts";
import { median } from "../../defenses/sanitizers/median.ts";
import { protocols } from "../../src/audit/trials/kinds.ts";
import { cosine } from "../../src/tuning/schedules/cosine.ts";

// `tsc` checks these: a directive without an error below it is an error.
[energy] satisfies Detector[];
// @ts-expect-error a detector is no sanitizer
[energy] satisfies Sanitizer[];
// @ts-expect-error nor the other way round
[median] satisfies Detector[];
// @ts-expect-error nor is a list of them one of the other kind
detectors satisfies readonly Sanitizer[];
// @ts-expect-error an attack on texts gives no numbers
[randomEdits] satisfies Attack[];
// @ts-expect-error an attack on a fine-tuning gives no examples
trialAttacks satisfies readonly Attack[];
// @ts-expect-error a schedule has no stages
[cosine] satisfies Strategy[];

describe("lists of units", () => {
  it.each(Object.keys(catalog))("%s: an id means one unit", (kind) => {
    const ids = catalog[kind]?.().map((unit) => unit.id) ?? [];
    expect(ids.length).toBeGreaterThan(0);
    expect(ids).toEqual([...new Set(ids)]);
  });
});

it.each(trialAttacks)("$id is tried by one protocol", ({ kind }) => {
  expect(protocols.filter((p) => p.kind === kind)).toHaveLength(1);
});
