// Measuring: lengths and areas on the ellipsoid (Karney's geodesics), as they are drawn.

import geodesic from "geographiclib-geodesic";
import { element } from "./dom";
import type { Ground } from "./types";
import { hectares, metres, t } from "./words";

type At = [number, number];
const { Geodesic } = geodesic;

export function lengthOf(line: At[]): number {
  let length = 0;
  for (let at = 1; at < line.length; at += 1) {
    const [[x1, y1], [x2, y2]] = [line[at - 1]!, line[at]!];
    length += Geodesic.WGS84.Inverse(y1, x1, y2, x2, Geodesic.DISTANCE).s12 ?? 0;
  }
  return length;
}

export function areaOf(ring: At[]): { area: number; perimeter: number } {
  const polygon = Geodesic.WGS84.Polygon(false);
  for (const [x, y] of ring) polygon.AddPoint(y, x);
  const found = polygon.Compute(false, true);
  return { area: Math.abs(found.area ?? 0), perimeter: found.perimeter };
}

export function open(ground: Ground): void {
  let stop = () => {};
  let shape: "line" | "area" = "line";
  const result = element("output", { class: "measured" }, "—");
  const describe = (corners: At[]): string => {
    if (corners.length < 2) return "—";
    if (shape === "line" || corners.length < 3) return `${t("length")} ${metres(lengthOf(corners))}`;
    const { area, perimeter } = areaOf(corners);
    return `${t("area")} ${hectares(area)} · ${t("perimeter")} ${metres(perimeter)}`;
  };
  const begin = (): void => {
    stop();
    result.textContent = "—";
    stop = ground.draw({
      shape,
      changed: (corners) => (result.textContent = describe(corners)),
      done: (corners) => ground.say((result.textContent = describe(corners))),
    });
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.shape === shape));
  };
  const choose = (name: "line" | "area", word: "line" | "polygon") =>
    element("button", { type: "button", class: "chip", "data-shape": name, onclick: () => { shape = name; begin(); } }, t(word));
  const buttons = [choose("line", "line"), choose("area", "polygon")];
  ground.panel(
    t("measure"),
    element("div", {}, element("p", { class: "chips" }, ...buttons, element("button", { type: "button", class: "chip", onclick: begin }, t("clear"))), element("p", {}, result), element("p", { class: "faint" }, t("drawHelp"))),
    "measure",
    () => stop(),
  );
  begin();
}
