// Drawing on the map: corners by pointer, or by keyboard at the cross in the middle.

import type { GeoJSONSource, Map as Drawn, MapMouseEvent } from "maplibre-gl";
import type { Theme } from "../theme";
import type { Drawing } from "./types";
import { t } from "./words";

type At = [number, number];
const SOURCE = "drawing";
const NEAR = 10; // [px] of the first corner of an area: a click there ends it

export interface Pen {
  begin: (options: Drawing) => () => void;
  corner: (at?: At) => void; // sets one, at the cross unless said
  undo: () => void;
  finish: () => void;
  active: () => boolean;
  clear: () => void;
}

export function pen(map: Drawn, theme: Theme, say: (text: string) => void): Pen {
  let options: Drawing | null = null;
  let corners: At[] = [];
  let moving: At | null = null;
  map.addSource(SOURCE, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  map.addLayer({ id: "drawing-area", type: "fill", source: SOURCE, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": theme.accent, "fill-opacity": 0.15 } }, "slot-mark");
  map.addLayer({ id: "drawing-under", type: "line", source: SOURCE, paint: { "line-color": theme.panel, "line-width": 5 } }, "slot-mark");
  map.addLayer({ id: "drawing-line", type: "line", source: SOURCE, paint: { "line-color": theme.accent, "line-width": 2.5 } }, "slot-mark");
  map.addLayer(
    {
      id: "drawing-point",
      type: "circle",
      source: SOURCE,
      filter: ["==", ["geometry-type"], "Point"],
      paint: { "circle-radius": 5, "circle-color": theme.panel, "circle-stroke-color": theme.accent, "circle-stroke-width": 2.5 },
    },
    "slot-mark",
  );
  const source = () => map.getSource(SOURCE) as GeoJSONSource;

  const outline = (): At[] => {
    const at = moving && corners.length ? [...corners, moving] : corners;
    if (options?.shape !== "box" || at.length < 2) return at;
    const [[x1, y1], [x2, y2]] = [at[0]!, at[at.length - 1]!];
    return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]];
  };
  const show = (): void => {
    const line = outline();
    const features: GeoJSON.Feature[] = corners.map((at) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: at } }));
    if (line.length > 2 && options?.shape !== "line")
      features.push({ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [[...line, line[0]!]] } });
    else if (line.length > 1) features.push({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: line } });
    source().setData({ type: "FeatureCollection", features });
  };
  const move = (event: MapMouseEvent): void => {
    if (!options || !corners.length) return;
    moving = [event.lngLat.lng, event.lngLat.lat];
    show();
    options.changed?.(outline(), false);
  };
  const click = (event: MapMouseEvent): void => {
    if (!options) return;
    const first = corners[0];
    if (options.shape === "area" && corners.length > 2 && first) {
      const there = map.project(first);
      if (Math.hypot(there.x - event.point.x, there.y - event.point.y) < NEAR) return its.finish();
    }
    its.corner([event.lngLat.lng, event.lngLat.lat]);
  };
  const double = (event: MapMouseEvent): void => {
    if (!options) return;
    event.preventDefault();
    its.finish();
  };
  const stop = (): void => {
    options = null;
    moving = null;
    map.off("mousemove", move).off("click", click).off("dblclick", double);
    map.getCanvas().style.cursor = "";
  };
  const its: Pen = {
    begin(given) {
      stop();
      options = given;
      corners = [];
      show();
      map.on("mousemove", move);
      map.on("click", click);
      map.on("dblclick", double);
      map.getCanvas().style.cursor = "crosshair";
      return () => {
        if (options === given) stop();
        corners = [];
        show();
      };
    },
    corner(at) {
      if (!options) return;
      const centre = map.getCenter();
      const next: At = at ?? [centre.lng, centre.lat];
      const last = corners[corners.length - 1];
      if (last && map.project(last).dist(map.project(next)) < 3) return; // the second click of a double click
      corners.push(next);
      moving = null;
      show();
      say(t("corner", { n: corners.length }));
      options.changed?.(outline(), false);
      if (corners.length === { point: 1, box: 2, line: 0, area: 0 }[options.shape]) its.finish();
    },
    undo() {
      corners.pop();
      moving = null;
      show();
      options?.changed?.(outline(), false);
    },
    finish() {
      const enough = { point: 1, line: 2, box: 2, area: 3 }[options?.shape ?? "line"];
      moving = null;
      if (!options || corners.length < enough) return;
      const line = outline();
      const ended = options;
      show();
      stop();
      ended.changed?.(line, true);
      ended.done(line);
    },
    active: () => options !== null,
    clear() {
      stop();
      corners = [];
      show();
    },
  };
  return its;
}
