// What lies at a place: every feature that is shown there, with the way to its page.

import type { MapGeoJSONFeature, Point } from "maplibre-gl";
import { element, table } from "./dom";
import type { Figure, Ground, Layer, Told } from "./types";
import { day, metres, t } from "./words";

const REACH = 5; // [px] around a pointer
const MOST = 12;

export interface Found {
  layer: Layer | null; // null: of the layer of figures
  told: Told;
}

export function at(ground: Ground, point: Point): Found[] {
  const { map, props } = ground;
  const box: [[number, number], [number, number]] = [[point.x - REACH, point.y - REACH], [point.x + REACH, point.y + REACH]];
  const seen = new Set<string>();
  const found: Found[] = [];
  const rank = (feature: MapGeoJSONFeature) => (feature.source === "figures" ? -1 : { Point: 0, LineString: 1 }[feature.geometry.type as string] ?? 2);
  for (const feature of map.queryRenderedFeatures(box).sort((a, b) => rank(a) - rank(b))) {
    const layer = props.layers.find((each) => each.name === feature.source) ?? null;
    const told = feature.properties as Told;
    if ((!layer && feature.source !== "figures") || (layer && feature.geometry.type === "Polygon" && !inside(ground, feature, point))) continue;
    const key = `${feature.source}/${told.feature ?? told.id}`;
    if (seen.has(key)) continue;
    seen.add(key);
    found.push({ layer, told });
  }
  return found.slice(0, MOST);
}

// An area is found at the point itself, not by its reach, where it is drawn as one.
function inside(ground: Ground, feature: MapGeoJSONFeature, point: Point): boolean {
  const exact = ground.map.queryRenderedFeatures(point, { layers: [feature.layer.id] });
  return exact.some((each) => (each.properties as Told).feature === (feature.properties as Told).feature);
}

export const pathOf = (ground: Ground, layer: Layer, told: Told): string =>
  `${ground.props.urls.feature}${layer.name}/${encodeURIComponent(String(told.feature)).replaceAll("%2F", "/")}/`;

export function show(ground: Ground, found: Found[], trace: (layer: Layer, feature: string, way: "up" | "down" | "both") => void): void {
  const said = found.length ? t("found", { n: found.length }) : t("nothing");
  const list = element("ol", { class: "found" }, ...found.map((each) => item(ground, each, trace)));
  ground.panel(t("identify"), element("div", {}, element("p", { class: "faint" }, said), list), "identify", () => {
    ground.mark([]);
    ground.state.pick = "";
    ground.changed();
  });
  ground.say(`${said}${found.length ? `: ${found.map(({ told }) => told.name ?? told.label ?? told.feature).join(", ")}` : ""}`);
  const first = found.find((each) => each.layer?.about);
  if (first) void pick(ground, first.layer!, first.told);
  else ground.mark([]);
}

export async function pick(ground: Ground, layer: Layer, told: Told): Promise<void> {
  ground.state.pick = `${layer.name}/${told.feature}`;
  ground.changed();
  await light(ground, `${layer.name}/${told.feature}`);
}

export async function light(ground: Ground, pick: string): Promise<GeoJSON.Feature[]> {
  const parts = pick.split("/").map(encodeURIComponent).join("/");
  const answer = await ground.open(`/map/shapes/${parts}.geojson`);
  if (!answer.ok || ground.state.pick !== pick) return [];
  const { features } = (await answer.json()) as GeoJSON.FeatureCollection;
  ground.mark(features);
  return features;
}

function item(ground: Ground, { layer, told }: Found, trace: Parameters<typeof show>[2]): HTMLElement {
  if (!layer) return figure(told);
  const word = layer.classes.find((each) => each.key === told.feature_class)?.label ?? told.feature_class;
  const name = String(told.name ?? told.label ?? word ?? told.feature ?? told.id ?? "");
  const href = layer.about ? pathOf(ground, layer, told) : String(told.url ?? "");
  const facts: [string, string][] = [];
  const add = (label: string, text: unknown) => text !== undefined && text !== null && text !== "" && facts.push([label, String(text)]);
  add(t("layer"), layer.label);
  add(t("class"), word);
  if (told.stratum && told.stratum !== "surface") add(t("level"), t(told.stratum as "above" | "underground"));
  if (typeof told.depth === "number") add(t("depth"), metres(told.depth));
  if (typeof told.height === "number") add(t("height"), metres(told.height));
  if (typeof told.elevation === "number") add(t("elevation"), metres(told.elevation));
  add(t("from"), day(told.from));
  add(t("to"), day(told.to));
  const ways = element("p", { class: "ways" });
  if (layer.deep && layer.kinds.includes("line")) {
    ways.append(`${t("trace")}: `);
    for (const way of ["up", "down", "both"] as const)
      ways.append(element("button", { type: "button", class: "chip", onclick: () => trace(layer, String(told.feature), way) }, t(way)), " ");
  }
  return element(
    "li",
    { onmouseenter: () => layer.about && void light(ground, (ground.state.pick = `${layer.name}/${told.feature}`)) },
    element("p", { class: "found-name" }, href ? element("a", { href }, name) : element("strong", {}, name), told.origin === "stand-in" && element("span", { class: "badge badge-stand-in" }, t("standIn"))),
    element("dl", {}, ...facts.flatMap(([label, text]) => [element("dt", {}, label), element("dd", {}, text)])),
    ways.hasChildNodes() && ways,
  );
}

function figure(told: Told): HTMLElement {
  const value = element("a", { class: "figure", href: String(told.why) }, `${told.text} `, element("span", { class: "unit" }, String(told.unit ?? "")));
  const facts: [string, string][] = [];
  if (told.when) facts.push([t("date"), String(told.when)]);
  if (told.origin) facts.push([t("origin"), String(told.origin)]);
  if (told.note) facts.push(["", String(told.note)]);
  return element(
    "li",
    { class: "found-figure" },
    element("p", { class: "found-name" }, element("strong", {}, String(told.label ?? ""))),
    element("p", {}, value, " ", element("a", { href: String(told.why), class: "why" }, t("why"))),
    element("dl", {}, ...facts.flatMap(([label, text]) => [element("dt", {}, label), element("dd", {}, text)])),
  );
}

export type Shown = { figure: Figure; rows: Told[] };
export const listed = (rows: Told[]): HTMLElement =>
  table(
    [t("name"), t("value"), t("date"), t("origin")],
    rows.map((told) => [
      String(told.label ?? ""),
      element("a", { class: "figure", href: String(told.why) }, `${told.text} ${told.unit ?? ""}`.trim()),
      String(told.when ?? ""),
      String(told.origin ?? ""),
    ]),
    t("figures"),
  );
