import { type Model, modelOf } from "#model";
import { int64s, ints } from "#onnx";
import { Net } from "./net.ts";

/** A model of the benchmark; bench/peers/torch_peer.py has the same in PyTorch. */
export interface Subject {
  readonly name: string;
  readonly batch: number;
  /** Shape of a sample; token ids where `vocabulary` is stated. */
  readonly shape: readonly number[];
  readonly vocabulary?: number;
  build(): Model;
}

const open = (net: Net, shape: readonly number[]) =>
  net.b.input({ name: "x", type: "float32", dims: ["batch", ...shape] });

const close = (net: Net, logits: string, shape: readonly number[]): Model =>
  modelOf(net.b.build([logits]), "bench", { input: { shape: [...shape] } });

const lenet: Subject = {
  name: "lenet",
  batch: 64,
  shape: [1, 28, 28],
  build() {
    const net = new Net("lenet");
    const pool = (v: string) =>
      net.b.op("MaxPool", [v], {
        kernel_shape: ints([2, 2]),
        strides: ints([2, 2]),
      });
    let x = open(net, this.shape);
    x = pool(net.relu(net.conv(x, 1, 6, 5, { pad: 2 })));
    x = pool(net.relu(net.conv(x, 6, 16, 5)));
    x = net.b.op("Flatten", [x]);
    x = net.relu(net.linear(x, 400, 120));
    x = net.relu(net.linear(x, 120, 84));
    return close(net, net.linear(x, 84, 10), this.shape);
  },
};

/** ResNet-18; of large images its first layer and a pooling give a sixteenth. */
const resnet18 = (name: string, batch: number, size: number): Subject => ({
  name,
  batch,
  shape: [3, size, size],
  build() {
    const net = new Net("resnet18");
    const image = open(net, this.shape);
    const first =
      size > 64
        ? net.conv(image, 3, 64, 7, { stride: 2, pad: 3 })
        : net.conv(image, 3, 64, 3, { pad: 1 });
    let x = net.relu(net.norm(first, 64));
    if (size > 64)
      x = net.b.op("MaxPool", [x], {
        kernel_shape: ints([3, 3]),
        strides: ints([2, 2]),
        pads: ints([1, 1, 1, 1]),
      });
    let from = 64;
    for (const [to, first] of [
      [64, 1],
      [128, 2],
      [256, 2],
      [512, 2],
    ] as const) {
      for (const stride of [first, 1]) {
        const a = net.conv(x, from, to, 3, { stride, pad: 1 });
        const y = net.conv(net.relu(net.norm(a, to)), to, to, 3, { pad: 1 });
        const skip =
          stride === 1 && from === to
            ? x
            : net.norm(net.conv(x, from, to, 1, { stride }), to);
        x = net.relu(net.b.add(net.norm(y, to), skip));
        from = to;
      }
    }
    return close(net, net.linear(net.globalAverage(x), 512, 10), this.shape);
  },
});

const mobilenetV2 = (name: string, batch: number, size: number): Subject => ({
  name,
  batch,
  shape: [3, size, size],
  build() {
    const net = new Net("mobilenet-v2");
    const relu6 = (v: string) =>
      net.b.op("Clip", [v, net.b.scalar(0), net.b.scalar(6)]);
    let x = open(net, this.shape);
    x = relu6(net.norm(net.conv(x, 3, 32, 3, { stride: 2, pad: 1 }), 32));
    let from = 32;
    for (const [expand, to, count, first] of [
      [1, 16, 1, 1],
      [6, 24, 2, 2],
      [6, 32, 3, 2],
      [6, 64, 4, 2],
      [6, 96, 3, 1],
      [6, 160, 3, 2],
      [6, 320, 1, 1],
    ] as const) {
      for (let i = 0; i < count; i++) {
        const stride = i === 0 ? first : 1;
        const wide = from * expand;
        let y = x;
        if (expand > 1) y = relu6(net.norm(net.conv(y, from, wide, 1), wide));
        y = net.conv(y, wide, wide, 3, { stride, pad: 1, groups: wide });
        y = net.norm(net.conv(relu6(net.norm(y, wide)), wide, to, 1), to);
        x = stride === 1 && from === to ? net.b.add(x, y) : y;
        from = to;
      }
    }
    x = relu6(net.norm(net.conv(x, 320, 1280, 1), 1280));
    return close(net, net.linear(net.globalAverage(x), 1280, 10), this.shape);
  },
});

interface Transformer {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
}

const vit = (
  name: string,
  size: number,
  patch: number,
  { layers, width, heads }: Transformer,
): Subject => ({
  name,
  batch: 8,
  shape: [3, size, size],
  build() {
    const net = new Net(name);
    const { b } = net;
    const image = open(net, this.shape);
    const count = (size / patch) ** 2;
    const patches = b.transpose(
      b.reshape(net.conv(image, 3, width, patch, { stride: patch }), [
        0,
        width,
        count,
      ]),
      [0, 2, 1],
    );
    const token = net.weight("class_token", [1, 1, width], 0.02);
    const batch = b.slice(b.shapeOf(image), [0], [1], [0]);
    const shape = b.concat([batch, b.ints([1, width])], 0);
    let x = b.concat([b.expand(token, shape), patches], 1);
    x = b.add(x, net.weight("position", [1, count + 1, width], 0.02));
    for (let i = 0; i < layers; i++) x = net.transformer(x, width, heads, true);
    const first = net.pick(net.layerNorm(x, width), 0);
    return close(net, net.linear(first, width, 10), this.shape);
  },
});

const bert = (
  name: string,
  batch: number,
  length: number,
  { layers, width, heads }: Transformer,
): Subject => ({
  name,
  batch,
  shape: [length],
  vocabulary: 30522,
  build() {
    const net = new Net(name);
    const { b } = net;
    b.input({ name: "x", type: "int64", dims: ["batch", length] });
    const words = b.op("Gather", [
      net.weight("words", [this.vocabulary ?? 0, width], 0.02),
      "x",
    ]);
    const places = b.op("Gather", [
      net.weight("places", [512, width], 0.02),
      b.constant(int64s(Array.from({ length }, (_, i) => i))),
    ]);
    let x = net.layerNorm(b.add(words, places), width);
    for (let i = 0; i < layers; i++)
      x = net.transformer(x, width, heads, false);
    const pooled = b.op("Tanh", [net.linear(net.pick(x, 0), width, width)]);
    return close(net, net.linear(pooled, width, 2), this.shape);
  },
});

const tiny = { layers: 12, width: 192, heads: 3 };
const small = { layers: 12, width: 384, heads: 6 };
const mini = { layers: 4, width: 256, heads: 4 };
const base = { layers: 12, width: 768, heads: 12 };

const resnet = resnet18("resnet18", 32, 32);
const vitTiny = vit("vit-tiny", 64, 8, tiny);
const bertMini = bert("bert-mini", 8, 64, mini);

export const subjects: readonly Subject[] = [
  lenet,
  resnet,
  mobilenetV2("mobilenet-v2", 8, 64),
  vitTiny,
  bertMini,
];

/** The sizes that people fine-tune. */
export const realSubjects: readonly Subject[] = [
  resnet,
  resnet18("resnet18-224", 8, 224),
  mobilenetV2("mobilenet-v2-32", 32, 32),
  mobilenetV2("mobilenet-v2-224", 8, 224),
  vitTiny,
  vit("deit-small", 224, 16, small),
  bertMini,
  bert("bert-base", 4, 128, base),
];
