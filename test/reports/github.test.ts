import fc from "fast-check";
import { expect, test } from "vitest";
import type { Results } from "#results";
import { github } from "../../reports/reporters/github.ts";
import { names, resultsNamed } from "./names.ts";
import { textOf } from "./nothing.ts";
import { exampleResults } from "./results.ts";

/** Commands as the runner of GitHub Actions reads them. */
function read(results: Results) {
  const text = textOf(github, results);
  const undo = (t: string) =>
    t.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
  return text
    .split(/\r\n|[\r\n]/)
    .slice(0, -1)
    .map((line) => {
      const [, kind, all, message] = /^::(\w+) (.*?)::(.*)$/s.exec(line)!;
      const properties = new Map(
        all!.split(",").map((one) => {
          const [key, ...value] = one.split("=");
          return [
            key,
            undo(value.join("=").replaceAll("%3A", ":").replaceAll("%2C", ",")),
          ];
        }),
      );
      return { kind, properties, message: undo(message!) };
    });
}

test("begins with the verdict and worst cases with intervals, and says what is not trusted", () => {
  const [first] = read(exampleResults());
  expect(first?.kind).toBe("notice");
  expect(first?.message).toMatch(/^Gate: failed\n/);
  expect(first?.message).toMatch(
    /full \/ none \/ linf-0\.1: robust accuracy 20\.0 % \[[\d., ]+\] of 50, not trusted/,
  );
});

test("what is broken or missing is an error, what is not trusted a warning", () => {
  const all = read(exampleResults());
  const of = (kind: string) => all.filter((one) => one.kind === kind);
  expect(of("error").map(({ message }) => message)).toEqual([
    expect.stringMatching(/^Too low/),
    expect.stringMatching(/^a logit of /),
    ...Array(2).fill(
      "No result, since examples full/none/square@linf-0.2 failed.",
    ),
  ]);
  expect(of("warning").map(({ message }) => message)).toContainEqual(
    expect.stringContaining("not trusted: worse than FGSM"),
  );
});

test("no more of a kind than GitHub shows, and how many are left", () => {
  const rule = exampleResults().gate.rules[0]!;
  const rules = Array.from({ length: 30 }, (_, i) => ({
    ...rule,
    subject: String(i),
  }));
  const all = read(
    exampleResults(() => ({
      gate: { verdict: "failed", rules },
      failures: undefined,
      missing: undefined,
    })),
  );
  const errors = all.filter(({ kind }) => kind === "error");
  expect(errors).toHaveLength(10);
  expect(errors.at(-1)?.message).toBe("21 more, in the report");
});

test("names from outside start no command and end no property", () => {
  fc.assert(
    fc.property(names, (name) => {
      const all = read(resultsNamed(name));
      expect(all[0]?.message).toContain(`\n${name} / none / linf-0.1:`);
      const titles = all.map(({ properties }) => properties.get("title"));
      expect(titles).toContain(`${name}/none/pgd@linf-0.1`);
    }),
  );
});
