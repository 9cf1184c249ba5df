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

const resnet18: Subject = {
  name: "resnet18",
  batch: 32,
  shape: [3, 32, 32],
  build() {
    const net = new Net("resnet18");
    let x = open(net, this.shape);
    x = net.relu(net.norm(net.conv(x, 3, 64, 3, { pad: 1 }), 64));
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
};

const mobilenetV2: Subject = {
  name: "mobilenet-v2",
  batch: 8,
  shape: [3, 64, 64],
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
};

const vitTiny: Subject = {
  name: "vit-tiny",
  batch: 8,
  shape: [3, 64, 64],
  build() {
    const [net, width] = [new Net("vit-tiny"), 192];
    const { b } = net;
    const image = open(net, this.shape);
    const patches = b.transpose(
      b.reshape(net.conv(image, 3, width, 8, { stride: 8 }), [0, width, 64]),
      [0, 2, 1],
    );
    const token = net.weight("class_token", [1, 1, width], 0.02);
    const batch = b.slice(b.shapeOf(image), [0], [1], [0]);
    const shape = b.concat([batch, b.ints([1, width])], 0);
    let x = b.concat([b.expand(token, shape), patches], 1);
    x = b.add(x, net.weight("position", [1, 65, width], 0.02));
    for (let i = 0; i < 12; i++) x = net.transformer(x, width, 3, true);
    const first = net.pick(net.layerNorm(x, width), 0);
    return close(net, net.linear(first, width, 10), this.shape);
  },
};

const bertMini: Subject = {
  name: "bert-mini",
  batch: 8,
  shape: [64],
  vocabulary: 30522,
  build() {
    const [net, width] = [new Net("bert-mini"), 256];
    const { b } = net;
    b.input({ name: "x", type: "int64", dims: ["batch", 64] });
    const words = b.op("Gather", [
      net.weight("words", [this.vocabulary ?? 0, width], 0.02),
      "x",
    ]);
    const places = b.op("Gather", [
      net.weight("places", [512, width], 0.02),
      b.constant(int64s(Array.from({ length: 64 }, (_, i) => i))),
    ]);
    let x = net.layerNorm(b.add(words, places), width);
    for (let i = 0; i < 4; i++) x = net.transformer(x, width, 4, false);
    const pooled = b.op("Tanh", [net.linear(net.pick(x, 0), width, width)]);
    return close(net, net.linear(pooled, width, 2), this.shape);
  },
};

export const subjects: readonly Subject[] = [
  lenet,
  resnet18,
  mobilenetV2,
  vitTiny,
  bertMini,
];
