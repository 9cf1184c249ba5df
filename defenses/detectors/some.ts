import type { Random } from "#core";
import { type Dataset, stratifiedSample, takeSamples } from "#data";

/** So many samples at most, evenly over the classes. */
export const some = (data: Dataset, most: number, random: Random): Dataset =>
  data.y.length <= most
    ? data
    : takeSamples(data, stratifiedSample(data, most, random));
