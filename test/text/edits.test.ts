import fc from "fast-check";
import { expect, test } from "vitest";
import { editsBetween, segmentsOf } from "#texts";

const text = fc.string({ unit: fc.constantFrom(..."abc "), maxLength: 9 });

test.each([
  ["", "abc", 3],
  ["film", "flim", 1],
  ["film", "fi1m", 1],
  ["movie", "mo vie", 1],
  ["kitten", "sitting", 3],
  // No character is edited twice: exchanged, and another put between.
  ["ca", "abc", 3],
  ["a😀b", "ab", 1],
])("%j is %j after %i edits", (before, after, edits) => {
  expect(editsBetween(before, after)).toBe(edits);
  expect(editsBetween(after, before)).toBe(edits);
});

test("the distance is that of the recurrence without any shortcut", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      const known = new Map<string, number>();
      const distance = (i: number, j: number): number => {
        if (i === 0 || j === 0) return i + j;
        const key = `${i} ${j}`;
        const before = known.get(key);
        if (before !== undefined) return before;
        const exchanged =
          i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
        const least = Math.min(
          distance(i - 1, j) + 1,
          distance(i, j - 1) + 1,
          distance(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
          exchanged ? distance(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
        );
        known.set(key, least);
        return least;
      };
      expect(editsBetween(a, b)).toBe(distance(a.length, b.length));
    }),
  );
});

test("segments are both texts in pieces, one for each edit", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      const segments = segmentsOf(a, b);
      expect(segments.map((s) => s.before).join("")).toBe(a);
      expect(segments.map((s) => s.after).join("")).toBe(b);
      const edits = segments.filter((s) => s.before !== s.after);
      expect(edits).toHaveLength(editsBetween(a, b));
    }),
  );
});
