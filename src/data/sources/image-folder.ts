import { basename, resolve } from "node:path";
import { z } from "zod";
import { imageKeys, readImages } from "../image-files.ts";
import { eitherSizeOrPipeline, pipelineKey, pipelines } from "../pipelines.ts";
import { defineSource, type Locate } from "../source.ts";
import { validateLabels } from "../validate.ts";
import { walkFolders } from "../walk.ts";

/**
 * One sub-folder of PNG, JPEG or WebP files per class; classes and files are
 * in the code-unit order of their names. With `size` every image is stretched
 * to it without regard to its aspect ratio (sharp, fit "fill", Lanczos 3);
 * without, all images must have the same size. Without `channels` all must be
 * grey or all in colour, and stay so.
 */
export const imageFolder = defineSource({
  schema: z
    .strictObject({
      source: z.literal("image-folder"),
      path: z
        .string()
        .min(1)
        .describe("Path of a folder with one sub-folder of images per class."),
      ...imageKeys,
      pipeline: pipelineKey,
    })
    .refine(...eitherSizeOrPipeline)
    .describe("PNG, JPEG or WebP files in one folder per class."),

  async read(spec, folder) {
    const root = resolve(folder, spec.path);
    const { classes, images } = walkFolders(root);
    const y = Int32Array.from(images, (image) => image.label);
    const locate: Locate = (_part, sample) =>
      (sample === undefined ? undefined : images[sample]?.shown) ?? root;
    // Before the decoding, which may take minutes.
    validateLabels(y, classes, locate);
    return {
      name: basename(root),
      x: await readImages(
        images,
        spec,
        spec.pipeline && pipelines[spec.pipeline],
      ),
      y,
      classes,
      parts: images.some(({ part }) => part)
        ? images.map(({ part = null }) => part)
        : undefined,
      locate,
    };
  },
});
