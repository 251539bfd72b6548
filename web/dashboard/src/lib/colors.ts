/** Colours of people: the daemon proposes, the page makes sure that white text is readable on them. */
const palette = ["#b3261e", "#7a4b00", "#4b6700", "#00695c", "#005f9e", "#4b4fc4", "#8a3ab9", "#a8326e"];

function luminance(hex: string): number {
  const channel = (i: number): number => {
    const v = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

/** `color` if it is "#rrggbb" and dark enough for white text at 4.5:1, otherwise one picked by `id`. */
export function readable(color: string, id: string): string {
  if (/^#[0-9a-f]{6}$/i.test(color) && 1.05 / (luminance(color) + 0.05) >= 4.5) return color;
  let hash = 0;
  for (let i = 0; i < id.length; i++) hash = (hash * 31 + id.charCodeAt(i)) >>> 0;
  return palette[hash % palette.length] ?? "#005f9e";
}
