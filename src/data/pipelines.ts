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
