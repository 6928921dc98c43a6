// Printing: the map is drawn anew for a frame on paper at a scale, and the server sets the sheet around it.

import { Map as Drawn, type StyleSpecification } from "maplibre-gl";
import { element } from "./dom";
import { token } from "./select";
import { wordsOf } from "./time";
import type { Ground } from "./types";
import { number, t } from "./words";
import { shown as figure } from "./values";

const SCALES = [500, 1000, 2000, 5000, 10_000, 25_000, 50_000, 100_000];
const EARTH = 40_075_016.686; // [m] around the equator of Web Mercator
const CSS = 96 / 25.4; // [px] a millimetre
const SHARP = 2; // image pixels a CSS pixel

export const zoomOf = (scale: number, latitude: number): number =>
  Math.log2((EARTH * Math.cos((latitude * Math.PI) / 180) * CSS * 1000) / (512 * scale));
export const scaleOf = (zoom: number, latitude: number): number =>
  (EARTH * Math.cos((latitude * Math.PI) / 180) * CSS * 1000) / (512 * 2 ** zoom);

export function open(ground: Ground): void {
  const paper = element("select", { id: "sheet-paper" }, ...Object.keys(ground.props.papers).map((value) => element("option", { value }, paperName(value))));
  const scale = element("select", { id: "sheet-scale" }, element("option", { value: "" }, t("asShown")), ...SCALES.map((value) => element("option", { value }, `1 : ${number(value, 6)}`)));
  const title = element("input", { id: "sheet-title", maxlength: 120, value: document.querySelector("h1")?.textContent ?? "" });
  const result = element("p", { role: "status" });
  const button = element("button", { type: "button", class: "primary", onclick: () => void make() }, t("makePdf"));
  const make = async (): Promise<void> => {
    button.disabled = true;
    result.textContent = t("making");
    try {
      const [across, down] = ground.props.papers[paper.value]!;
      const centre = ground.map.getCenter();
      // As on the screen: what is seen across fits across the sheet, at a round scale.
      const wide = ground.map.getContainer().clientWidth;
      const seen = scaleOf(ground.map.getZoom(), centre.lat) * (wide / CSS / across);
      const chosen = scale.value ? Number(scale.value) : round(seen);
      const { image, drawn } = await picture(ground, across, down, zoomOf(chosen, centre.lat));
      const body = new FormData();
      body.set("csrfmiddlewaretoken", token());
      body.set("language", ground.props.language);
      body.set("image", image, "map.png");
      const shown = ground.props.layers.filter((layer) => layer.about && ground.state.layers.has(layer.name));
      const layers = Object.fromEntries(shown.map(({ name }) => [name, [...(drawn.get(name) ?? [])]]));
      body.set("told", JSON.stringify({ paper: paper.value, scale: chosen, title: title.value, layers, time: wordsOf(ground.state.time, ground.props.today), figure, stand_in: ground.standIn() }));
      const answer = await ground.open(ground.props.urls.sheet, { method: "POST", body });
      if (!answer.ok) throw new Error(((await answer.json().catch(() => ({}))) as { expected?: string }).expected ?? String(answer.status));
      const href = URL.createObjectURL(await answer.blob());
      result.replaceChildren(`${t("made")} (1 : ${number(chosen, 6)}) `, element("a", { href, target: "_blank", download: "map.pdf", class: "sheet-made" }, t("open")));
    } catch (error) {
      result.textContent = t("fault", { e: (error as Error).message });
    }
    button.disabled = false;
  };
  const field = (label: string, input: HTMLElement) => element("p", {}, element("label", { for: input.id }, label), input);
  ground.panel(t("print"), element("div", { class: "form" }, field(t("title"), title), field(t("paper"), paper), field(t("scale"), scale), element("p", {}, button), result), "print");
}

const paperName = (name: string): string => {
  const [size, way] = name.split("-");
  return `${size!.toUpperCase()} ${t(way === "landscape" ? "landscape" : "portrait")}`;
};

function round(scale: number): number {
  const power = 10 ** Math.floor(Math.log10(scale));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((each) => each >= scale * 0.999) ?? scale;
}

async function picture(ground: Ground, across: number, down: number, zoom: number): Promise<{ image: Blob; drawn: Map<string, Set<string>> }> {
  const box = element("div", { class: "sheet-canvas", "aria-hidden": "true" });
  box.style.width = `${Math.round(across * CSS)}px`;
  box.style.height = `${Math.round(down * CSS)}px`;
  document.body.append(box);
  const style = structuredClone(ground.map.getStyle()) as StyleSpecification;
  const sheet = new Drawn({
    container: box,
    style: paperStyle(style),
    center: ground.map.getCenter(),
    zoom,
    minZoom: -2,
    maxZoom: 24,
    interactive: false,
    attributionControl: false,
    fadeDuration: 0,
    pixelRatio: SHARP,
    canvasContextAttributes: { preserveDrawingBuffer: true },
    maxCanvasSize: [8192, 8192],
  });
  try {
    await new Promise<void>((done, fail) => {
      const late = setTimeout(() => fail(new Error("timeout")), 60_000);
      sheet.once("idle", () => {
        clearTimeout(late);
        done();
      });
    });
    const drawn = new Map<string, Set<string>>(); // the legend is of what is on the sheet
    for (const { source, properties } of sheet.queryRenderedFeatures()) {
      if (!drawn.has(source)) drawn.set(source, new Set());
      if (properties.feature_class) drawn.get(source)!.add(String(properties.feature_class));
    }
    const image = await new Promise<Blob>((done, fail) => sheet.getCanvas().toBlob((blob) => (blob ? done(blob) : fail(new Error("image"))), "image/png"));
    return { image, drawn };
  } finally {
    sheet.remove();
    box.remove();
  }
}

// On paper the ground is white, also where the screen is dark; names are black.
function paperStyle(style: StyleSpecification): StyleSpecification {
  for (const layer of style.layers) {
    if (layer.id === "ground") layer.paint = { "background-color": "#ffffff" };
    if (layer.type === "symbol") layer.paint = { ...layer.paint, "text-color": "#000000", "text-halo-color": "#ffffff" };
  }
  return style;
}
