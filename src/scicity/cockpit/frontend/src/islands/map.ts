import type { FeatureCollection } from "geojson";
import { LngLatBounds, Map as Drawn, Popup, small, type FilterSpecification, type MapGeoJSONFeature } from "../maplibre";
import { themeOf } from "../theme";

interface Layer {
  name: string;
  url: string;
  kind: "area" | "point";
  label: string;
  ring?: boolean; // points drawn as rings around those of other layers, which stay to be seen and clicked
}
interface Props {
  layers: Layer[];
  fit?: string; // the layer to show at first; all of them, if none
  language: "zh" | "en";
}

const WORDS = {
  zh: { layers: "图层", standIn: "替代位置", map: "地图：可用方向键移动，用加减键缩放" },
  en: { layers: "Layers", standIn: "stand-in place", map: "Map: arrow keys move it, plus and minus zoom" },
};

export async function mount(element: HTMLElement, given: unknown): Promise<void> {
  const props = given as Props;
  const words = WORDS[props.language];
  const theme = themeOf(element);
  const loaded = await Promise.all(props.layers.map((layer) => fetched(layer.url)));
  const map = await small(element, theme, words.map, boundsOf(loaded.filter((_, at) => !props.fit || props.layers[at]!.name === props.fit)));
  props.layers.forEach((layer, at) => {
    const colour = theme.series[at % theme.series.length] ?? theme.accent;
    map.addSource(layer.name, { type: "geojson", data: loaded[at]! });
    const source = layer.name;
    map.addLayer({ id: `${source}-area`, type: "fill", source, filter: polygons, paint: { "fill-color": colour, "fill-opacity": 0.16 } });
    map.addLayer({ id: `${source}-edge`, type: "line", source, filter: polygons, paint: { "line-color": colour, "line-width": 1.6 } });
    map.addLayer({ id: `${source}-line`, type: "line", source, filter: lines, paint: { "line-color": colour, "line-width": 3 } });
    map.addLayer({
      id: `${source}-point`,
      type: "circle",
      source,
      filter: ["==", ["geometry-type"], "Point"],
      paint: layer.ring
        ? { "circle-radius": 9, "circle-opacity": 0, "circle-stroke-color": colour, "circle-stroke-width": 3 }
        : { "circle-radius": 6, "circle-color": colour, "circle-stroke-color": theme.panel, "circle-stroke-width": 1.5 },
    });
  });
  element.append(legend(map, props, theme.series, words.layers));
  map.on("click", (event) => {
    const found = map.queryRenderedFeatures(event.point).sort((a, b) => rank(a) - rank(b));
    const [feature] = found;
    if (feature) {
      const box = told(feature, words.standIn);
      const other = found.find((each) => rank(each) === 0 && each.source !== feature.source);
      if (other && rank(feature) === 0) box.append(told(other, words.standIn));
      new Popup({ maxWidth: "280px" }).setLngLat(event.lngLat).setDOMContent(box).addTo(map);
    }
  });
  map.once("idle", () => (element.dataset.idle = "true"));
}

const polygons: FilterSpecification = ["in", ["geometry-type"], ["literal", ["Polygon", "MultiPolygon"]]];
const lines: FilterSpecification = ["in", ["geometry-type"], ["literal", ["LineString", "MultiLineString"]]];
const rank = (feature: MapGeoJSONFeature): number => (feature.geometry.type === "Point" ? 0 : 1);

async function fetched(url: string): Promise<FeatureCollection> {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return (await answer.json()) as FeatureCollection;
}

function boundsOf(layers: FeatureCollection[]): LngLatBounds {
  const bounds = new LngLatBounds();
  const walk = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    if (typeof part[0] === "number") bounds.extend([part[0] as number, part[1] as number]);
    else part.forEach(walk);
  };
  for (const layer of layers) for (const { geometry } of layer.features) walk("coordinates" in geometry ? geometry.coordinates : []);
  return bounds;
}

function told(feature: MapGeoJSONFeature, standIn: string): HTMLElement {
  const box = document.createElement("div");
  const { label, origin, url } = feature.properties as Record<string, string>;
  const name = document.createElement(url ? "a" : "strong");
  name.textContent = label ?? "";
  if (url && name instanceof HTMLAnchorElement) name.href = url;
  box.append(name);
  if (origin === "stand-in") {
    const badge = document.createElement("span");
    badge.className = "badge badge-stand-in";
    badge.textContent = standIn;
    box.append(document.createElement("br"), badge);
  }
  return box;
}

function legend(map: Drawn, props: Props, colours: string[], title: string): HTMLElement {
  const list = document.createElement("fieldset");
  list.className = "map-legend";
  const head = document.createElement("legend");
  head.textContent = title;
  list.append(head);
  props.layers.forEach((layer, at) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => {
      for (const part of ["area", "edge", "line", "point"])
        map.setLayoutProperty(`${layer.name}-${part}`, "visibility", box.checked ? "visible" : "none");
    });
    const dot = document.createElement("i");
    dot.style.background = colours[at % colours.length] ?? "";
    label.append(box, dot, layer.label);
    list.append(label);
  });
  return list;
}
