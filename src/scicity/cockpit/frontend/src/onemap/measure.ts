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

type Shape = "point" | "line" | "area";

export function open(ground: Ground): void {
  let stop = () => {};
  let shape: Shape = "line";
  let href = "";
  const result = element("output", { class: "measured" }, "—");
  const taken = element("p", { class: "chips" });
  const describe = (corners: At[]): string => {
    const [first] = corners;
    if (shape === "point" && first) return `${first[1].toFixed(6)}°, ${first[0].toFixed(6)}°`;
    if (corners.length < 2) return "—";
    if (shape === "line" || corners.length < 3) return `${t("length")} ${metres(lengthOf(corners))}`;
    const { area, perimeter } = areaOf(corners);
    return `${t("area")} ${hectares(area)} · ${t("perimeter")} ${metres(perimeter)}`;
  };
  const take = (corners: At[]): void => {
    const geometry =
      shape === "point"
        ? { type: "Point", coordinates: corners[0] }
        : shape === "line"
          ? { type: "LineString", coordinates: corners }
          : { type: "Polygon", coordinates: [[...corners, corners[0]]] };
    const text = JSON.stringify({ type: "Feature", properties: { measured: describe(corners) }, geometry });
    URL.revokeObjectURL(href);
    href = URL.createObjectURL(new Blob([text], { type: "application/geo+json" }));
    taken.replaceChildren(element("a", { href, download: "drawing.geojson" }, `${t("exportAs")} GeoJSON`));
    ground.say((result.textContent = describe(corners)));
  };
  const begin = (): void => {
    stop();
    result.textContent = "—";
    taken.replaceChildren();
    stop = ground.draw({ shape, changed: (corners) => (result.textContent = describe(corners)), done: take });
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.shape === shape));
  };
  const choose = (name: Shape, word: "point" | "line" | "polygon") => {
    const onclick = () => {
      shape = name;
      begin();
    };
    return element("button", { type: "button", class: "chip", "data-shape": name, onclick }, t(word));
  };
  const buttons = [choose("point", "point"), choose("line", "line"), choose("area", "polygon")];
  const clear = element("button", { type: "button", class: "chip", onclick: begin }, t("clear"));
  ground.panel(
    t("measure"),
    element("div", {}, element("p", { class: "chips" }, ...buttons, clear), element("p", {}, result), taken, element("p", { class: "faint" }, t("drawHelp"))),
    "measure",
    () => stop(),
  );
  begin();
}
