// Robustness as a test of one's own project, in Vitest. In Jest the second import is
// another, `import { expect, test } from "@jest/globals"`, and ES modules are read with
// NODE_OPTIONS=--experimental-vm-modules.
import { matchers } from "assay/matchers";
import { expect, test } from "vitest";

expect.extend(matchers);

test("the model withstands small changes", () => {
  expect("runs/digits").toBeRobust({ min: 0.5, threatModel: "small" });
});

test("nobody claims that it withstands large ones", () => {
  expect("runs/digits").not.toBeRobust({ min: 0.9, threatModel: "large" });
});
