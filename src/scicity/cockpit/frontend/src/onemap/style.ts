// How layers are drawn: by kind of geometry, class, depth, height, time and view.

import type { ExpressionSpecification, FilterSpecification, LayerSpecification, Map as Drawn } from "maplibre-gl";
import type { Theme } from "../theme";
import type { Layer, Props, State } from "./types";

type Part = "area" | "edge" | "line" | "point" | "tall" | "name";
export const PARTS: Part[] = ["area", "edge", "line", "point", "tall", "name"];
const SLOTS = { area: "slot-area", edge: "slot-line", line: "slot-line", tall: "slot-tall", point: "slot-point", name: "slot-name" };
export const DEPTHS: [number, string][] = [[0, "#f4c95d"], [2, "#ef9a4d"], [4, "#d95f59"], [8, "#a83f8d"], [15, "#5a3fa8"], [30, "#232c7a"]];
const FAINT = 0.22; // of what lies above, in the underground view
const OUTLINES = ["outline", "boundary", "zones"];

const isArea: FilterSpecification = ["==", ["geometry-type"], "Polygon"];
const isLine: FilterSpecification = ["==", ["geometry-type"], "LineString"];
const isPoint: FilterSpecification = ["==", ["geometry-type"], "Point"];

export function there(day: number): FilterSpecification {
  return [
    "all",
    ["<=", ["coalesce", ["get", "from"], 0], day],
    [">", ["coalesce", ["get", "to"], 99_999_999], day],
  ];
}

export function colourOf(layer: Layer): string | ExpressionSpecification {
  if (layer.classes.length < 1) return layer.colour;
  const pairs = layer.classes.flatMap(({ key, colour }) => [key, colour]);
  return ["match", ["coalesce", ["get", "feature_class"], ""], ...pairs, layer.colour] as unknown as ExpressionSpecification;
}

const byDepth = ["interpolate", ["linear"], ["coalesce", ["get", "depth"], 0], ...DEPTHS.flat()] as unknown as ExpressionSpecification;

// Anchors, so that areas lie below lines and lines below points, whichever layer was turned on first.
export function slots(ground: string): LayerSpecification[] {
  const made: LayerSpecification[] = [{ id: "ground", type: "background", paint: { "background-color": ground } }];
  for (const id of ["slot-area", "slot-line", "slot-tall", "slot-point", "slot-figure", "slot-name", "slot-mark"])
    made.push({ id, type: "background", layout: { visibility: "none" } });
  return made;
}

export function add(map: Drawn, layer: Layer, theme: Theme): void {
  if (map.getSource(layer.name) || !layer.loaded) return;
  const whole = (url: string) => new URL(url, location.href).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
  if (layer.tiles)
    map.addSource(layer.name, {
      type: "vector",
      tiles: [whole(layer.tiles)],
      maxzoom: 16,
      ...(layer.bounds ? { bounds: layer.bounds } : {}),
    });
  else map.addSource(layer.name, { type: "geojson", data: whole(layer.url), maxzoom: 16, tolerance: 0.3 });
  const kinds = layer.kinds.length ? layer.kinds : ["area", "line", "point"];
  for (const part of PARTS) {
    const fits = { area: "area", edge: "area", tall: "area", line: "line", point: "point", name: "" }[part];
    if (fits ? !kinds.includes(fits as never) : layer.ring || layer.theme === "registers") continue;
    if (part === "tall" && !layer.tall) continue;
    if (part === "name" && !named(layer)) continue; // areas are named by points of their own (`names`), once and not in every tile
    map.addLayer(made(layer, part, theme), SLOTS[part]);
  }
}

const named = (layer: Layer): boolean => !layer.kinds.includes("area") && (layer.count ?? 0) <= 300;

// The names of zones, at a point within each.
export function names(map: Drawn, told: Props["names"], theme: Theme): void {
  const features = told.map(([x, y, name]) => ({ type: "Feature" as const, properties: { name }, geometry: { type: "Point" as const, coordinates: [x, y] } }));
  map.addSource("names", { type: "geojson", data: { type: "FeatureCollection", features } });
  const layout = { "text-field": ["get", "name"], "text-size": 14, "text-max-width": 9 } as never;
  map.addLayer({ id: "names", type: "symbol", source: "names", layout, paint: lettering(theme) }, "slot-name");
}

const lettering = (theme: Theme) => ({ "text-color": theme.ink, "text-halo-color": theme.panel, "text-halo-width": 1.4 });

function made(layer: Layer, part: Part, theme: Theme): LayerSpecification {
  const base = { id: `${layer.name}-${part}`, source: layer.name, ...(layer.tiles ? { "source-layer": layer.name } : {}) };
  const colour = colourOf(layer);
  switch (part) {
    case "area":
      return { ...base, type: "fill", filter: isArea, paint: { "fill-color": colour } };
    case "edge":
      return { ...base, type: "line", filter: isArea, paint: { "line-color": colour, "line-width": outline(layer) ? 2 : 0.9 } };
    case "line":
      return { ...base, type: "line", filter: isLine, layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": colour } };
    case "point":
      return {
        ...base,
        type: "circle",
        filter: isPoint,
        paint: layer.ring
          ? { "circle-radius": 9, "circle-opacity": 0, "circle-stroke-color": colour, "circle-stroke-width": 3 }
          : {
              "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 2.5, 14, 5, 18, 9],
              "circle-color": colour,
              "circle-stroke-color": theme.panel,
              "circle-stroke-width": 1.2,
            },
      };
    case "tall":
      return { ...base, type: "fill-extrusion", filter: isArea, layout: { visibility: "none" }, paint: { "fill-extrusion-color": colour } };
    default:
      return {
        ...base,
        type: "symbol",
        minzoom: 12.5,
        layout: {
          "text-field": ["coalesce", ["get", "name"], ["get", "label"], ""],
          "text-size": 11,
          "text-max-width": 9,
          ...(layer.kinds.includes("line") ? { "symbol-placement": "line" } : { "text-offset": [0, 1.1] }),
        },
        paint: lettering(theme),
      };
  }
}

const outline = (layer: Layer): boolean => OUTLINES.includes(layer.name);

// Brings all drawn layers to what the state says.
export function apply(map: Drawn, props: Props, state: State, day: number): void {
  const under = state.view === "under";
  const tall = state.view === "tall" || state.view === "sea";
  const lowest = Math.min(...props.layers.map((layer) => layer.lowest ?? Infinity).filter(Number.isFinite), 9999);
  for (const layer of props.layers) {
    const share = state.layers.get(layer.name);
    for (const part of PARTS) {
      const id = `${layer.name}-${part}`;
      if (!map.getLayer(id)) continue;
      const seen = share !== undefined && (part === "tall" ? tall : !(tall && layer.tall && (part === "area" || part === "edge")));
      map.setLayoutProperty(id, "visibility", seen ? "visible" : "none");
      if (!seen) continue;
      const kind = { area: isArea, edge: isArea, tall: isArea, line: isLine, point: isPoint, name: null }[part];
      const time = layer.timed ? there(day) : null;
      const filters = [kind, time].filter(Boolean) as FilterSpecification[];
      map.setFilter(id, filters.length ? (["all", ...filters] as FilterSpecification) : null);
        paint(map, layer, part, id, share * (under && !layer.deep ? FAINT : 1), state, lowest);
    }
  }
}

function paint(map: Drawn, layer: Layer, part: Part, id: string, share: number, state: State, lowest: number): void {
  const under = state.view === "under";
  const deep = under && layer.deep;
  switch (part) {
    case "area":
      map.setPaintProperty(id, "fill-opacity", share * (outline(layer) ? 0.05 : 0.55));
      map.setPaintProperty(id, "fill-color", deep ? byDepth : colourOf(layer));
      break;
    case "edge":
      map.setPaintProperty(id, "line-opacity", share);
      break;
    case "line":
      map.setPaintProperty(id, "line-opacity", share);
      map.setPaintProperty(id, "line-color", deep ? byDepth : colourOf(layer));
      map.setPaintProperty(id, "line-width", ["interpolate", ["exponential", 1.5], ["zoom"], 9, deep ? 1 : 0.5, 14, deep ? 2.4 : 1.6, 18, deep ? 7 : 6]);
      break;
    case "point":
      if (!layer.ring) map.setPaintProperty(id, "circle-opacity", share);
      map.setPaintProperty(id, "circle-stroke-opacity", share);
      if (deep) map.setPaintProperty(id, "circle-color", byDepth);
      else if (!layer.ring) map.setPaintProperty(id, "circle-color", colourOf(layer));
      break;
    case "tall": {
      const height: ExpressionSpecification = ["coalesce", ["get", "height"], 0];
      const foot: ExpressionSpecification = ["max", 0, ["-", ["coalesce", ["get", "elevation"], lowest], lowest]];
      map.setPaintProperty(id, "fill-extrusion-opacity", Math.max(0.01, share * 0.92));
      map.setPaintProperty(id, "fill-extrusion-base", state.view === "sea" ? foot : 0);
      map.setPaintProperty(id, "fill-extrusion-height", state.view === "sea" ? ["+", foot, height] : height);
      break;
    }
    default:
      map.setPaintProperty(id, "text-opacity", share);
  }
}
