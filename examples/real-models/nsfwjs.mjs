// The MobileNetV2 of nsfwjs as it comes, asked about photos that nobody would block:
//
//     node examples/real-models/nsfwjs.mjs
//
// All samples are of one of its five classes, so this goes by the library: the data of a
// suite have samples of each class.
import {
  attack,
  dataset,
  evaluate,
  loadData,
  loadModel,
  open,
  sampleData,
} from "assay";

const files = new URL("../../runs/real-models/nsfwjs/", import.meta.url)
  .pathname;
const photos = await loadData({
  source: "image-folder",
  path: `${files}photos/test`,
  size: 224,
});
const classes = ["Drawing", "Hentai", "Neutral", "Porn", "Sexy"];
const data = dataset({
  name: "photos",
  x: photos.x,
  y: Array.from(photos.y, () => 2),
  classes,
});

const percent = ({ value, low, high }) =>
  `${[value, low, high].map((v) => (100 * v).toFixed(1)).join(" ")} %`;
const model = await open(await loadModel(`${files}model.json`));
console.log(
  "taken for neutral",
  percent((await evaluate(model, data)).accuracy),
);
// Attacks ask much, so that they get some of the photos.
const some = sampleData(data, 40);
for (const one of [
  { id: "noise", draws: 1 },
  { id: "pgd", steps: 10, relStepSize: 0.25 },
]) {
  const { robustAccuracy } = await attack(model, some, {
    attack: one,
    norm: "linf",
    eps: 1 / 255,
  });
  console.log("and still, after", one.id, percent(robustAccuracy));
}
await model.release();
console.log(
  `most memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`,
);
