import type { Attack } from "./attack.ts";

/** Examples made with full knowledge of the model. */
export const whiteBox: Attack["taxonomy"] = {
  atlas: ["AML.T0043.000", "AML.T0015"],
  owasp: ["ML01:2023"],
  nist: ["NISTAML.022"],
};

/** Examples made by asking the model. */
export const blackBox: Attack["taxonomy"] = {
  atlas: ["AML.T0043.001", "AML.T0015", "AML.T0040"],
  owasp: ["ML01:2023"],
  nist: ["NISTAML.025"],
};

/** Changes by hand or chance, with no knowledge of the model. */
export const byChance: Attack["taxonomy"] = {
  atlas: ["AML.T0043.003"],
  owasp: ["ML01:2023"],
  nist: ["NISTAML.022"],
};

/** Weights that are no longer as they were trained. */
export const erosion: Attack["taxonomy"] = {
  atlas: ["AML.T0031"],
  owasp: ["ML10:2023"],
  nist: ["NISTAML.026"],
};
