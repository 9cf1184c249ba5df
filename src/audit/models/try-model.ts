import { existsSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { hashOf, packageVersion, sha256OfFile } from "#core";
import type { LoadModelOptions } from "#model";
import type { Store } from "../store.ts";

/**
 * Has a model from outside opened and run once where that can do no harm, before it is
 * opened in earnest; see `firstRun`.
 *
 * @param gradient whether the gradient at its input is tried as well
 * @returns the files that hold the model, its own first
 * @throws MODEL_FIRST_RUN where that takes too much or breaks what runs it
 */
export type TryModel = (
  path: string,
  options: LoadModelOptions,
  gradient: boolean,
) => Promise<readonly string[]>;

/**
 * The same, but what passed once is believed while its files hold the same bytes and
 * are read in the same way.
 */
export const rememberedIn =
  (store: Store, tryModel: TryModel) =>
  async (
    path: string,
    options: LoadModelOptions,
    gradient: boolean,
  ): Promise<void> => {
    const { weights } = options;
    const own = [path, ...(weights ? [weights] : [])].map(sha256OfFile);
    const key = hashOf({ own, options, gradient, version: packageVersion() });
    const name = `tried/${key.slice(0, 12)}.json`;
    const folder = dirname(path);
    const seen = store.read<[file: string, hash: string][]>(name);
    const isSame = ([file, hash]: [string, string]) =>
      existsSync(resolve(folder, file)) &&
      sha256OfFile(resolve(folder, file)) === hash;
    if (seen?.every(isSame)) return;
    const files = await tryModel(path, options, gradient);
    store.write(
      name,
      files.map((file) => [relative(folder, file), sha256OfFile(file)]),
    );
  };
