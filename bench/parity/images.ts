import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { packagePath, Random } from "#core";
import { type Dataset, loadDataset, takeSamples } from "#data";
import { type FloatTensor, rows } from "#onnx";

/** Images to train on, and others to attack. */
export interface Images {
  readonly train: Dataset;
  readonly test: Dataset;
}

const shared = join("..", "shared", "data");
const TRAINED = 8000;

/** The first 8,000 of MNIST's 10,000 test images, and the others. */
export async function mnist(): Promise<Images> {
  const all = await loadDataset(
    {
      source: "idx",
      images: join(shared, "mnist", "t10k-images-idx3-ubyte.gz"),
      labels: join(shared, "mnist", "t10k-labels-idx1-ubyte.gz"),
    },
    packagePath("."),
  );
  const part = (from: number, to: number): Dataset => ({
    ...all,
    x: rows(all.x, from, to) as FloatTensor,
    y: all.y.slice(from, to),
  });
  return { train: part(0, TRAINED), test: part(TRAINED, all.y.length) };
}

/** 8,000 of CIFAR-10's images for training, and 1,000 of those for tests. */
export async function cifar10(): Promise<Images> {
  const folder = packagePath("runs/parity/cifar10");
  if (!existsSync(folder)) unpack(join(shared, "cifar10", "cifar10.zip"));
  const part = async (name: string, count: number): Promise<Dataset> => {
    const path = join(folder, name);
    const all = await loadDataset({ source: "image-folder", path }, folder);
    const order = new Random(1).permutation(all.y.length);
    return takeSamples(all, order.slice(0, count));
  };
  return {
    train: await part("train", TRAINED),
    test: await part("test", 1000),
  };
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
