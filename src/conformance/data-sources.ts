import { loadDataset, type Source } from "#data";
import { ensure, ensureSame, type Law } from "./law.ts";

/**
 * The laws of sources of data.
 *
 * @param spec what a suite would say, with the key `source`
 * @param folder where its paths start
 * @example
 * ```ts
 * import { dataSourceLaws } from "assay/conformance";
 * import { stripes } from "./stripes.ts";
 *
 * for (const { title, check } of dataSourceLaws(stripes, { source: "stripes" })) {
 *   await check();
 *   console.log("kept:", title);
 * }
 * ```
 */
export function dataSourceLaws(
  unit: Source,
  spec: Readonly<Record<string, unknown>>,
  folder = ".",
): Law[] {
  const read = () =>
    loadDataset(unit.schema.parse(spec) as never, folder, [unit]);
  return [
    {
      title: "gives samples that pass all that is asked of data",
      async check() {
        const { y } = await read();
        ensure(y.length > 0, "there are no samples");
      },
    },
    {
      title: "gives the same samples twice",
      async check() {
        const [one, two] = [await read(), await read()];
        ensureSame(one.x.data, two.x.data, "the inputs");
        ensureSame(one.y, two.y, "the labels");
        ensure(
          one.fingerprint === two.fingerprint,
          "the fingerprint is another",
        );
      },
    },
    {
      title: "refuses keys that it does not have",
      async check() {
        const refused = !unit.schema.safeParse({ ...spec, nonsense: 1 })
          .success;
        ensure(refused, 'a key "nonsense" is taken');
      },
    },
  ];
}
