/** fast-check runs of a property; ASSAY_LONG=1 makes them many. */
export const runs = (few = 15) => ({
  numRuns: process.env.ASSAY_LONG ? few * 20 : few,
});
