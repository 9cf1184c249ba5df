import { z } from "zod";
import type { Pipeline } from "./image-threads.ts";

/** How published models take photos, by name. */
export const pipelines = {
  /** torchvision's `ImageClassification`, and most models since AlexNet. */
  imagenet: { resize: 256, crop: 224, kernel: "bilinear" },
  /** torchvision's weights IMAGENET1K_V2. */
  "imagenet-v2": { resize: 232, crop: 224, kernel: "bilinear" },
  /** DeiT, EfficientNet-B0 of torchvision. */
  "imagenet-bicubic": { resize: 256, crop: 224, kernel: "bicubic" },
  /** CLIP (Radford et al. 2021, arXiv:2103.00020). */
  clip: { resize: 224, crop: 224, kernel: "bicubic" },
} as const satisfies Readonly<Record<string, Pipeline>>;

/** A pipeline, as a suite says it. */
export const pipelineKey = z
  .enum(Object.keys(pipelines) as (keyof typeof pipelines)[])
  .optional()
  .describe(
    "Instead of `size`, how published models take photos: the shorter side is resized and the centre cropped, as Pillow and torchvision do it. " +
      Object.entries(pipelines)
        .map(
          ([name, { resize, crop, kernel }]) =>
            `${name}: ${resize}, ${crop}, ${kernel}`,
        )
        .join("; "),
  );

/** Says which key of two may be stated. */
export const eitherSizeOrPipeline = [
  (s: { pipeline?: string | undefined; size?: unknown }): boolean =>
    !(s.pipeline && s.size !== undefined),
  { message: "state size or pipeline" },
] as const;
