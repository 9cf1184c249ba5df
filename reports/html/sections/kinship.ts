import { percent } from "#core";
import type { Results } from "#results";
import { plain, whole } from "../../format.ts";

const colours = { same: "kin-same", moved: "kin-moved", new: "kin-new" };

/**
 * What the weights say of each candidate's descent from the base: one strip of layer
 * groups a candidate.
 */
export function kinshipView({ candidates }: Results) {
  return candidates.flatMap(({ id, kinship, lineage }) => {
    if (!kinship || kinship.length === 0) return [];
    const size = (relation?: string) =>
      kinship
        .filter((k) => relation === undefined || k.relation === relation)
        .reduce((sum, k) => sum + k.size, 0);
    const width = 100 / kinship.length;
    return [
      {
        id: plain(id),
        tuned: lineage ? "tuned by this run" : "given as a file",
        same: percent(size("same") / Math.max(1, size())),
        verdict: verdictOf(kinship),
        strip: kinship.map((k, i) => ({
          x: Number((i * width).toFixed(2)),
          width: Number((width * 0.94).toFixed(2)),
          style: colours[k.relation],
          title: `${plain(k.group)}: ${told(k)}`,
        })),
        rows: kinship.map((k) => ({
          group: plain(k.group),
          size: whole(k.size),
          told: told(k),
        })),
      },
    ];
  });
}

type Kin = NonNullable<Results["candidates"][number]["kinship"]>[number];

const told = ({ relation, distance, cosine }: Kin): string =>
  relation === "same"
    ? "the same bytes as in the base"
    : relation === "new"
      ? "not in the base"
      : `moved by ${percent(distance ?? 0)} of its norm, cosine ${(cosine ?? 0).toFixed(3)}`;

/**
 * Weights that were tuned from the base still point its way; independent ones are at
 * right angles to it.
 */
const KIN = 0.5;

function verdictOf(kinship: readonly Kin[]): string {
  const shared = kinship.filter((k) => k.relation !== "new");
  if (shared.length === 0) return "no layer of the base's shapes";
  const close = shared.filter((k) => (k.cosine ?? 0) > KIN).length;
  if (close === shared.length) return "descends from the base";
  return close === 0
    ? "its weights have nothing to do with the base's"
    : `${close} of ${shared.length} layer groups descend from the base`;
}
