import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { packagePath, Random } from "#core";
import { type Dataset, loadDataset, takeSamples } from "#data";
import { type FloatTensor, rows } from "#onnx";

/** Images to train on, and others to attack; each read when it is asked for. */
export interface Images {
  train(): Promise<Dataset>;
  test(): Promise<Dataset>;
}

const shared = join("..", "shared", "data");
const TRAINED = 8000;

/** The first 8,000 of MNIST's 10,000 test images, and the others. */
export const mnist: Images = {
  train: async () => {
    const all = await allOfMnist();
    return between(all, 0, TRAINED);
  },
  test: async () => {
    const all = await allOfMnist();
    return between(all, TRAINED, all.y.length);
  },
};

const allOfMnist = () =>
  loadDataset(
    {
      source: "idx",
      images: join(shared, "mnist", "t10k-images-idx3-ubyte.gz"),
      labels: join(shared, "mnist", "t10k-labels-idx1-ubyte.gz"),
    },
    packagePath("."),
  );

const between = (all: Dataset, from: number, to: number): Dataset => ({
  ...all,
  x: rows(all.x, from, to) as FloatTensor,
  y: all.y.slice(from, to),
});

/** 8,000 of CIFAR-10's images for training, and 1,000 of those for tests. */
export const cifar10: Images = {
  train: () => someOfCifar("train", TRAINED),
  test: () => someOfCifar("test", 1000),
};

async function someOfCifar(part: string, count: number): Promise<Dataset> {
  const folder = packagePath("runs/parity/cifar10");
  if (!existsSync(folder)) unpack(join(shared, "cifar10", "cifar10.zip"));
  const path = join(folder, part);
  const all = await loadDataset({ source: "image-folder", path }, folder);
  const order = new Random(1).permutation(all.y.length);
  return takeSamples(all, order.slice(0, count));
}

/** Unpacks an archive of images into `runs/parity`. */
function unpack(archive: string): void {
  const files = unzipSync(readFileSync(packagePath(archive)));
  for (const [name, bytes] of Object.entries(files)) {
    const path = packagePath(join("runs/parity", name));
    if (name.endsWith("/")) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}
