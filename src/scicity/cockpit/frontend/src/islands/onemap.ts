// The map page: layers by theme, time, views, and tools that are fetched when they are first asked for.

import { AttributionControl, LngLatBounds, Map as Drawn, NavigationControl, prewarm, ScaleControl, type GeoJSONSource, type LngLatBoundsLike } from "../maplibre";
import { element } from "../onemap/dom";
import { pen } from "../onemap/drawing";
import { at as lyingAt, light, show as showFound } from "../onemap/identify";
import { panels } from "../onemap/panels";
import { read, write } from "../onemap/state";
import { add, apply, DEPTHS, names, slots } from "../onemap/style";
import { slider } from "../onemap/time";
import { tree } from "../onemap/tree";
import type { Ground, Layer, Props, View } from "../onemap/types";
import { keys, speak, t, type Word } from "../onemap/words";
import { still, themeOf } from "../theme";

prewarm(); // the worker comes while the page's own parts are made

const VIEWS: View[] = ["flat", "tall", "sea", "under"];
const PITCH: Record<View, number> = { flat: 0, tall: 55, sea: 55, under: 0 };
const EDGES = { top: 28, left: 28, right: 28, bottom: 110 }; // [px] the time slider lies at the bottom
const EVERYWHERE: LngLatBoundsLike = [73, 18, 135, 54];

function boundsOf(features: GeoJSON.Feature[]): LngLatBounds | null {
  const bounds = new LngLatBounds();
  const walk = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    if (typeof part[0] === "number") bounds.extend([part[0] as number, part[1] as number]);
    else part.forEach(walk);
  };
  for (const { geometry } of features) if ("coordinates" in geometry) walk(geometry.coordinates);
  return bounds.isEmpty() ? null : bounds;
}

export async function mount(root: HTMLElement, given: unknown): Promise<void> {
  const props = given as Props;
  speak(props.language);
  const theme = themeOf(root);
  const state = read(props);
  const placed = state.at !== null; // the address says what is seen
  const canvas = element("div", { class: "onemap-canvas" }, element("div", { class: "crosshair", "aria-hidden": "true" }));
  const voice = element("p", { class: "unseen", role: "status", "aria-live": "polite" });
  const map = new Drawn({
    container: canvas,
    style: { version: 8, sources: {}, layers: slots(theme.sunken) },
    ...(state.at
      ? { center: [state.at[0], state.at[1]] as [number, number], zoom: state.at[2], bearing: state.at[3], pitch: state.at[4] }
      : { bounds: (props.home ?? EVERYWHERE) as LngLatBoundsLike, fitBoundsOptions: { padding: EDGES } }),
    attributionControl: false,
    maxPitch: 75,
    fadeDuration: 0, // names that fade in are late
    locale: { "Map.Title": t("map") },
  });
  const say = (text: string): void => void (voice.textContent = text);
  const layerOf = (name: string): Layer | undefined => props.layers.find((layer) => layer.name === name);
  const day = (): number => (state.time === null ? props.today : state.time * 10_000 + 1231);

  let later = 0;
  let madeUp = false; // the figure that is drawn is stand-in
  let drawn: string | null = null; // the figure and the time that are drawn
  const changed = (): void => {
    clearTimeout(later);
    later = window.setTimeout(() => {
      const centre = map.getCenter();
      state.at = [centre.lng, centre.lat, map.getZoom(), map.getBearing(), map.getPitch()];
      const address = write(state, props);
      history.replaceState(null, "", address);
      const next = document.querySelector<HTMLInputElement>('form.language input[name="next"]');
      if (next) next.value = address.replace(/&language=\w+/, "");
    }, 150);
  };
  const ready = new Promise<void>((done) => {
    map.once("style.load", () => done());
  });
  const restyle = (): void => {
    for (const name of state.layers.keys()) add(map, layerOf(name)!, theme);
    apply(map, props, state, day());
    attribution();
    side.tree.refresh();
    depths.hidden = state.view !== "under";
    const figure = state.figure && JSON.stringify([state.figure, state.time]);
    if (figure && figure !== drawn) void import("../onemap/values").then((module) => module.draw(ground));
    drawn = figure;
    changed();
  };
  const open = async (url: string, init: RequestInit = {}): Promise<Response> => {
    try {
      return await fetch(url, { credentials: "same-origin", ...init });
    } catch (error) {
      say(t("fault", { e: (error as Error).message }));
      return Response.json({ expected: (error as Error).message }, { status: 503 });
    }
  };
  const mark = (features: GeoJSON.Feature[], part = "picked"): void => {
    void (map.getSource(part) as GeoJSONSource | undefined)?.setData({ type: "FeatureCollection", features });
  };

  const ground: Ground = {
    ...{ map, props, state, root, say, changed, restyle, mark, day, open },
    standIn: (figure) => {
      if (figure !== undefined && figure !== madeUp) {
        madeUp = figure;
        attribution();
      }
      return madeUp || [...state.layers.keys()].some((name) => layerOf(name)?.stand_in);
    },
    panel: (title, content, tool, closed) => side.open(title, content, tool, closed),
    draw: (options) => drawing.begin(options),
    see: (features) => {
      const bounds = boundsOf(features);
      const look = (): void => {
        const seen = map.getBounds();
        if (bounds && !(seen.contains(bounds.getSouthWest()) && seen.contains(bounds.getNorthEast())))
          map.fitBounds(bounds, { padding: { ...EDGES, top: 60 }, maxZoom: 17, ...(still() ? { duration: 0 } : {}) });
      };
      requestAnimationFrame(() => requestAnimationFrame(look)); // a panel that opens makes the map narrower first
    },
  };

  // --- layers ---
  const turn = (layer: Layer, on: boolean): void => {
    if (on) state.layers.set(layer.name, state.layers.get(layer.name) ?? 1);
    else state.layers.delete(layer.name);
    restyle();
  };
  const retry = (layer: Layer): void => {
    for (const each of map.getStyle().layers) if ("source" in each && each.source === layer.name) map.removeLayer(each.id);
    if (map.getSource(layer.name)) map.removeSource(layer.name);
    side.tree.status(layer.name, "");
    restyle();
  };
  const side = panels(root, ground, tree(ground, turn, retry));
  map.on("sourcedataloading", (event) => layerOf(event.sourceId) && side.tree.status(event.sourceId, "loading"));
  map.on("sourcedata", (event) => {
    const layer = event.isSourceLoaded && layerOf(event.sourceId);
    if (!layer) return;
    side.tree.status(layer.name, "");
    if (layer.stand_in || !layer.url || !map.querySourceFeatures(layer.name).some(({ properties }) => properties.origin === "stand-in")) return;
    layer.stand_in = true; // what domains bring tells by its features alone
    side.tree.refresh();
    attribution();
  });
  map.on("error", (event) => {
    const source = (event as unknown as { sourceId?: string }).sourceId;
    if (source && layerOf(source)) side.tree.status(source, "failed");
    else console.warn(event.error);
  });
  const rights = new AttributionControl({ compact: false });
  let told = "";
  function attribution(): void {
    const all = [...state.layers.keys()].map((name) => layerOf(name)!).filter((layer) => layer.licence);
    const licences = [...new Set(all.map((layer) => (/openstreetmap/i.test(layer.source) ? `© OpenStreetMap contributors (${layer.licence})` : layer.licence)))].join(" · ");
    const next = [...(ground.standIn() ? [`<strong class="holds-stand-in">${t("holdsStandIn")}</strong>`] : []), element("span", {}, licences || "SciCity").outerHTML];  // the control takes HTML; what a register says is text
    if (next.join() === told) return;
    if (told) map.removeControl(rights);
    told = next.join();
    rights.options.customAttribution = next;
    map.addControl(rights, "bottom-right");
  }

  // --- tools ---
  const views = element("select", { id: "onemap-view", "aria-label": t("view") }, ...VIEWS.map((view) => element("option", { value: view, selected: view === state.view }, t(view))));
  views.addEventListener("change", () => {
    state.view = views.value as View;
    if (state.view === "under") for (const layer of props.layers) if (layer.deep && layer.loaded && layer.about && !state.layers.has(layer.name)) state.layers.set(layer.name, 1);
    map.easeTo({ pitch: PITCH[state.view], ...(still() ? { duration: 0 } : {}) });
    restyle();
  });
  const trace = (layer: Layer, feature: string, way: "up" | "down" | "both"): void =>
    void import("../onemap/trace").then((module) => module.open(ground, layer, feature, way));
  const identify = (): void => {
    const { clientWidth, clientHeight } = map.getContainer();
    void ask({ x: clientWidth / 2, y: clientHeight / 2 });
  };
  const ask = ({ x, y }: { x: number; y: number }): void => {
    const point = map.project(map.unproject([x, y]));
    showFound(ground, lyingAt(ground, point), trace);
  };
  const TOOLS: [Word, string, () => unknown][] = [
    ["identify", "⌖", () => { drawing.clear(); identify(); }],
    ["measure", "📏︎", () => import("../onemap/measure").then((module) => module.open(ground))],
    ["select", "⬚", () => import("../onemap/select").then((module) => module.open(ground))],
    ["section", "⎍", () => import("../onemap/section").then((module) => module.open(ground))],
    ["figures", "▦", () => import("../onemap/values").then((module) => module.open(ground))],
    ["print", "⎙", () => import("../onemap/sheet").then((module) => module.open(ground))],
    ["help", "?", () => ground.panel(t("help"), element("ul", {}, ...keys().map((line) => element("li", {}, line))), "help")],
  ];
  const run = (tool: Word): void => {
    const found = TOOLS.find(([name]) => name === tool);
    if (found) void Promise.resolve(found[2]()).catch((error: Error) => say(t("fault", { e: error.message })));
  };
  const copy = element("button", { type: "button", class: "tool", onclick: () => void navigator.clipboard?.writeText(location.href).then(() => say(t("copied"))) }, t("share"));
  const home = element("button", { type: "button", class: "tool", onclick: () => props.home && map.fitBounds(props.home, { padding: EDGES, bearing: 0, pitch: 0 }) }, t("home"));
  const bar = element(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": t("tools") },
    element("button", { type: "button", class: "tool layers-button", "aria-controls": "onemap-side", onclick: () => side.toggle() }, t("layers")),
    ...TOOLS.map(([name]) => element("button", { type: "button", class: "tool", "data-tool": name, onclick: () => run(name) }, t(name))),
    element("label", { class: "unseen", for: "onemap-view" }, t("view")),
    views,
    home,
    copy,
  );
  const depths = element("ul", { class: "legend-list depths", "aria-label": t("depth") }, ...DEPTHS.map(([depth, colour]) => {
    const chip = element("i", { class: "swatch swatch-area", "aria-hidden": "true" });
    chip.style.setProperty("--colour", colour);
    return element("li", {}, chip, `${depth} m`);
  }));
  depths.hidden = true;
  const stage = element("div", { class: "stage" }, canvas, element("div", { class: "figure-legend", hidden: true }), depths, slider(ground));
  root.append(bar, side.left, stage, side.right, voice);
  map.resize();
  if (!state.at) map.fitBounds((props.home ?? EVERYWHERE) as LngLatBoundsLike, { padding: EDGES, duration: 0 });
  map.addControl(new NavigationControl({ visualizePitch: true }), "top-right");
  map.addControl(new ScaleControl({ unit: "metric", maxWidth: 120 }), "bottom-left");

  await ready;
  names(map, props.names, theme);
  const lit = (part: string, colour: string, width: number): void => {
    map.addSource(part, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    const paint = { "line-color": colour, "line-width": width };
    map.addLayer({ id: `${part}-line`, type: "line", source: part, filter: ["!=", ["geometry-type"], "Point"], paint }, "slot-mark");
    map.addLayer({ id: `${part}-point`, type: "circle", source: part, filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 9, "circle-opacity": 0, "circle-stroke-color": colour, "circle-stroke-width": width } }, "slot-mark");
  };
  lit("traced", theme.series[2]!, 4);
  lit("picked", theme.series[1]!, 3.5);
  let ended = 0;
  const its = pen(map, theme, say);
  const drawing = { ...its, finish: () => { its.finish(); ended = performance.now(); } };
  const justDrawn = (): boolean => performance.now() - ended < 400;

  // --- keyboard: letters act only while the map has the focus ---
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act: Record<string, () => void> = {
      Enter: () => (drawing.active() ? drawing.corner() : identify()),
      Backspace: () => drawing.undo(),
      f: () => drawing.finish(),
      Escape: () => (drawing.active() ? drawing.clear() : side.close()),
      i: () => run("identify"),
      m: () => run("measure"),
      s: () => run("select"),
      p: () => run("section"),
      l: () => side.focus(),
      "?": () => run("help"),
    };
    const found = act[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!found) return;
    event.preventDefault();
    found();
  });
  map.on("click", (event) => drawing.active() || justDrawn() || ask(event.point));
  map.on("moveend", changed);

  restyle();
  if (state.pick) {
    const [name, ...rest] = state.pick.split("/");
    const layer = layerOf(name ?? "");
    if (layer) {
      state.layers.set(layer.name, 1);
      restyle();
      void light(ground, `${name}/${rest.join("/")}`).then((features) => {
        if (!placed) ground.see(features);
      });
    }
  }
  const [wanted, way] = (new URLSearchParams(location.search).get("trace") ?? "").split(",");
  if (wanted) {
    const [name, ...rest] = wanted.split("/");
    const layer = layerOf(name ?? "");
    if (layer) trace(layer, rest.join("/"), way === "up" || way === "down" ? way : "both");
  }
  map.once("idle", () => (root.dataset.idle = "true"));
}
