/**
 * The colour of a class by its number, in bytes: the map of PASCAL VOC (Everingham et
 * al. 2010), whose first is black and in which neighbours differ.
 */
export function classColour(k: number): [r: number, g: number, b: number] {
  const colour: [number, number, number] = [0, 0, 0];
  for (let bit = 0; bit < 8; bit++)
    for (let c = 0; c < 3; c++)
      colour[c]! |= ((k >> (3 * bit + c)) & 1) << (7 - bit);
  return colour;
}
