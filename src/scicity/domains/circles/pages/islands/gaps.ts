// Who gets to a facility and who does not; a click, or Enter for the middle of the map, asks whom one more place there would serve.
import {
  type ExpressionSpecification,
  type FeatureCollection,
  LngLatBounds,
  Marker,
  type Polygon,
  Popup,
  small,
} from "../../../../cockpit/frontend/src/maplibre";
import { themeOf } from "../../../../cockpit/frontend/src/theme";

interface Props {
  homes: string;
  newly: string[];
  outline: Polygon | null;
  place: [number, number] | null;
  bounds: number[];
}
type State = "within" | "beyond" | "off" | "newly" | "facility";

const WORDS = {
  zh: { within: "时限内到得了", beyond: "时限内到不了", off: "接不上路网", newly: "新服务", facility: "现有设施", reach: "新点可达范围", here: "新点", people: "人", map: "地图：方向键移动，加减键缩放，回车取中心" },
  en: { within: "within the limit", beyond: "not within the limit", off: "off the network", newly: "newly served", facility: "facility", reach: "within reach of the new place", here: "new place", people: "residents", map: "Map: arrow keys move it, plus and minus zoom, Enter takes its middle" },
};
const ORDER: State[] = ["within", "beyond", "off", "newly", "facility"];

export async function mount(element: HTMLElement, given: unknown): Promise<void> {
  const props = given as Props;
  const words = WORDS[element.dataset.language === "zh" ? "zh" : "en"];
  const theme = themeOf(element);
  const [within, spot, indigo, , bad, grey] = theme.series as [string, string, string, string, string, string];
  const colour: Record<State, string> = { within, beyond: bad, off: grey, newly: indigo, facility: spot };
  const answer = await fetch(props.homes, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${props.homes}: ${answer.status}`);
  const homes = (await answer.json()) as FeatureCollection;
  const newly = new Set(props.newly);
  for (const { properties } of homes.features) if (properties && newly.has(String(properties.id))) properties.state = "newly";
  const [west, south, east, north] = props.bounds;
  const map = await small(element, theme, words.map, props.bounds.length ? new LngLatBounds([west!, south!, east!, north!]) : undefined);
  if (props.outline) {
    map.addSource("reach", { type: "geojson", data: { type: "Feature", geometry: props.outline, properties: {} } });
    map.addLayer({ id: "reach", type: "fill", source: "reach", paint: { "fill-color": theme.accent, "fill-opacity": 0.18 } });
    map.addLayer({ id: "reach-edge", type: "line", source: "reach", paint: { "line-color": theme.accent, "line-width": 1.5 } });
  }
  map.addSource("homes", { type: "geojson", data: homes });
  const state: ExpressionSpecification = ["get", "state"];
  const pick = (of: (each: State) => string | number, other: string | number): ExpressionSpecification =>
    ["match", state, ...ORDER.flatMap((each) => [each, of(each)]), other] as unknown as ExpressionSpecification;
  // Not by colour alone: who is not reached is a ring, who is newly reached larger, a facility largest.
  map.addLayer({
    id: "homes",
    type: "circle",
    source: "homes",
    paint: {
      "circle-color": pick((each) => (each === "beyond" || each === "off" ? theme.panel : colour[each]), grey),
      "circle-stroke-color": pick((each) => (each === "facility" || each === "newly" ? theme.ink : colour[each]), grey),
      "circle-stroke-width": pick((each) => (each === "beyond" ? 2 : 1), 1),
      "circle-radius": pick((each) => ({ within: 3.5, beyond: 3.5, off: 2, newly: 5.5, facility: 7 })[each], 3),
    },
  });
  if (props.place) new Marker({ color: theme.accent }).setLngLat(props.place).addTo(map).getElement().setAttribute("aria-label", words.here);
  element.append(legend(words, colour, theme.accent, props.outline !== null));
  const ask = (longitude: number, latitude: number): void => {
    const form = document.querySelector<HTMLFormElement>("#gap-form");
    const fill = (name: string, value: number): void => {
      const field = form?.querySelector<HTMLInputElement>(`[name=${name}]`);
      if (field) field.value = value.toFixed(6);
    };
    fill("longitude", longitude);
    fill("latitude", latitude);
    form?.requestSubmit();
  };
  map.on("click", (event) => ask(event.lngLat.lng, event.lngLat.lat));
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const middle = map.getCenter();
    ask(middle.lng, middle.lat);
  });
  const popup = new Popup({ closeButton: false, closeOnClick: false, maxWidth: "240px" });
  map.on("mousemove", "homes", (event) => {
    const told = event.features?.[0]?.properties as Record<string, string | number> | undefined;
    if (!told) return;
    const name = told.state === "facility" ? String(told[element.dataset.language ?? "en"] ?? told.id) : `${Math.round(Number(told.people))} ${words.people}`;
    const minutes = typeof told.seconds === "number" ? ` · ${(told.seconds / 60).toFixed(1)} min` : "";
    popup.setLngLat(event.lngLat).setText(`${name}${minutes} · ${words[told.state as State]}`).addTo(map);
  });
  map.on("mouseleave", "homes", () => popup.remove());
  map.once("idle", () => (element.dataset.idle = "true"));
}

function legend(words: Record<string, string>, colour: Record<State, string>, accent: string, reach: boolean): HTMLElement {
  const list = document.createElement("div");
  list.className = "map-legend";
  const entry = (text: string, fill: string, ring: boolean): void => {
    const line = document.createElement("label");
    const dot = document.createElement("i");
    dot.style.background = ring ? "transparent" : fill;
    if (ring) dot.style.boxShadow = `inset 0 0 0 2px ${fill}`;
    line.append(dot, text);
    list.append(line);
  };
  for (const each of ORDER) entry(words[each] ?? each, colour[each], each === "beyond" || each === "off");
  if (reach) entry(words.reach ?? "", accent, false);
  return list;
}
