import { describe, expect, it } from "vitest";
import { nearest } from "#core";

describe("nearest", () => {
  const animals = ["cat", "dog", "horse", "aeroplane"];

  it.each([
    ["cta", "cat"],
    ["Dog", "dog"],
    ["hrose", "horse"],
    ["airplane", "aeroplane"],
    ["DOGS", "dog"],
  ])("takes %s for %s", (word, meant) => {
    expect(nearest(word, animals)).toBe(meant);
  });

  it.each(["x", "zebra-crossing", ""])("suggests nothing for %j", (word) => {
    expect(nearest(word, animals)).toBeUndefined();
  });

  it("prefers the smaller distance, then the first", () => {
    expect(nearest("digit", ["digest", "digits"])).toBe("digits");
    expect(nearest("bat", ["cat", "rat"])).toBe("cat");
  });

  it("has nothing to suggest from nothing", () => {
    expect(nearest("cat", [])).toBeUndefined();
  });
});
