// Any figure or newest reading as a layer: zones, buildings and stations coloured by it, and kept up to date by the page's events.

import type { ExpressionSpecification, GeoJSONSource } from "maplibre-gl";
import { element, swatch } from "./dom";
import { listed } from "./identify";
import type { Figure, Ground, Told } from "./types";
import { number, t, type Word } from "./words";

interface Table { table: string; key: string; label: string; columns: { name: string; label: string }[] }
interface Category { name: string; label: string; chosen: string; values: { name: string; label: string }[] }
interface Answer extends GeoJSON.FeatureCollection { of: string; label: string; title: string; unit: string; period: string; categories: Category[]; unplaced: number }
export interface Step { colour: string; label: string }
export interface Drawn { label: string; unit: string; steps: Step[] }

const RAMP = ["#f6e8c3", "#c7dfb8", "#7fc2a8", "#3a9a94", "#1b6b7d", "#143f5c"];
const UNKNOWN = "#9aa39d";
const SOURCE = "figures";
const GROUPS: Record<string, Word> = { zone: "byZone", building: "byBuilding", station: "byStation", reading: "reading" };
let tables: Table[] | null = null;
let follower: EventSource | null = null;
export let shown: Drawn | null = null;

export async function draw(ground: Ground): Promise<Answer | null> {
  const { map, state, props } = ground;
  if (!state.figure) {
    remove(ground);
    return null;
  }
  const { table, column, categories } = state.figure;
  const query = new URLSearchParams({ ...categories, language: props.language });
  if (state.time !== null) query.set("year", String(state.time));
  const answer = await ground.open(`${props.urls.values}${table}/${column}.geojson?${query}`);
  if (!answer.ok) {
    remove(ground);
    return null;
  }
  const told = (await answer.json()) as Answer;
  const values = told.features.map((each) => each.properties!.value as number | null).filter((value): value is number => value !== null);
  const breaks = breaksOf(values);
  const colour = breaks.length
    ? (["case", ["==", ["typeof", ["get", "value"]], "number"], ["step", ["get", "value"], RAMP[0], ...breaks.flatMap((value, at) => [value, RAMP[at + 1]])], UNKNOWN] as unknown as ExpressionSpecification)
    : (["case", ["==", ["typeof", ["get", "value"]], "number"], RAMP[3], UNKNOWN] as unknown as ExpressionSpecification);
  const known = map.getSource(SOURCE) as GeoJSONSource | undefined;
  if (known) known.setData(told);
  else {
    map.addSource(SOURCE, { type: "geojson", data: told });
    map.addLayer({ id: "figures-area", type: "fill", source: SOURCE, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-opacity": 0.82 } }, "slot-figure");
    map.addLayer({ id: "figures-edge", type: "line", source: SOURCE, filter: ["==", ["geometry-type"], "Polygon"], paint: { "line-color": "#16211f", "line-width": 0.8 } }, "slot-figure");
    map.addLayer({ id: "figures-point", type: "circle", source: SOURCE, filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 8, "circle-stroke-color": "#16211f", "circle-stroke-width": 1.2 } }, "slot-figure");
  }
  map.setPaintProperty("figures-area", "fill-color", colour);
  map.setPaintProperty("figures-point", "circle-color", colour);
  shown = { label: [told.title === told.label ? "" : told.title, told.label, told.period].filter(Boolean).join(" · "), unit: told.unit, steps: stepsOf(breaks, values, told.unit) };
  if (told.features.some((each) => each.properties!.value === null)) shown.steps.push({ colour: UNKNOWN, label: t("noValue") });
  ground.standIn(told.features.some((each) => each.properties!.stand_in === true));
  legend(ground);
  follow(ground, table);
  return told;
}

const unlike = (values: number[]): number[] => [...new Set(values)].sort((a, b) => a - b);

function breaksOf(values: number[]): number[] {
  const sorted = unlike(values);
  if (sorted.length < 2) return [];
  const classes = Math.min(RAMP.length, sorted.length);
  const breaks = Array.from({ length: classes - 1 }, (_, at) => sorted[Math.floor(((at + 1) * sorted.length) / classes)]!);
  return [...new Set(breaks)];
}

function stepsOf(breaks: number[], values: number[], unit: string): Step[] {
  if (!values.length) return [];
  const few = unlike(values);
  if (few.length === breaks.length + 1) return few.map((value, at) => ({ colour: RAMP[breaks.length ? at : 3]!, label: `${number(value)} ${unit}`.trim() }));
  const edges = [Math.min(...values), ...breaks, Math.max(...values)];
  return Array.from({ length: breaks.length + 1 }, (_, at) => ({ colour: RAMP[at]!, label: `${number(edges[at]!)} – ${number(edges[at + 1]!)} ${unit}`.trim() }));
}

function legend(ground: Ground): void {
  const place = ground.root.querySelector<HTMLElement>(".figure-legend")!;
  place.hidden = !shown;
  if (!shown) return place.replaceChildren();
  place.replaceChildren(element("p", {}, element("strong", {}, shown.label)), element("ul", { class: "legend-list" }, ...shown.steps.map((step) => element("li", {}, swatch(step.colour, "area"), step.label))));
}

function remove(ground: Ground): void {
  shown = null;
  ground.standIn(false);
  legend(ground);
  follower?.close();
  follower = null;
  for (const id of ["figures-area", "figures-edge", "figures-point"]) if (ground.map.getLayer(id)) ground.map.removeLayer(id);
  if (ground.map.getSource(SOURCE)) ground.map.removeSource(SOURCE);
}

// The page's events name the tables that came out otherwise; readings have none of their own, so any change may be theirs.
function follow(ground: Ground, table: string): void {
  if (follower) return;
  follower = new EventSource(`/live/?since=${ground.props.live}`);
  follower.addEventListener("changed", (event) => {
    const changed = JSON.parse((event as MessageEvent<string>).data) as string[];
    const mine = ground.state.figure?.table ?? table;
    if (mine.startsWith("reading.") || changed.includes(mine)) void draw(ground).then(() => ground.say(t("updated")));
  });
  addEventListener("pagehide", () => follower?.close(), { once: true });
}

export async function open(ground: Ground): Promise<void> {
  const { state, props } = ground;
  const result = element("div", { class: "figures-told", "aria-live": "polite" });
  const choices = element("div", { class: "form" });
  ground.panel(t("figures"), element("div", {}, choices, result), "figures");
  if (!tables) {
    choices.replaceChildren(element("p", {}, t("loading")));
    const answer = await ground.open(`${props.urls.values}?language=${props.language}`);
    if (!answer.ok) return choices.replaceChildren(element("p", { class: "alert" }, t("fault", { e: answer.status })));
    tables = ((await answer.json()) as { tables: Table[] }).tables;
  }
  const known = tables;
  const table = element("select", { id: "figure-table", onchange: () => pickTable() });
  const column = element("select", { id: "figure-column", onchange: () => void pick({ table: table.value, column: column.value, categories: {} }) });
  table.append(element("option", { value: "" }, t("none")));
  for (const key of [...new Set(known.map((each) => each.key))]) {
    const group = element("optgroup", { label: t(GROUPS[key] ?? "byOther") });
    group.append(...known.filter((each) => each.key === key).map((each) => element("option", { value: each.table }, each.label)));
    table.append(group);
  }
  const columns = (): void => {
    const found = known.find((each) => each.table === table.value);
    column.replaceChildren(...(found?.columns ?? []).map((each) => element("option", { value: each.name }, each.label)));
    column.closest("p")!.hidden = (found?.columns.length ?? 0) < 2;
  };
  const pickTable = (): void => {
    columns();
    void pick(table.value ? { table: table.value, column: column.value, categories: {} } : null);
  };
  const categories = element("div", {});
  choices.replaceChildren(
    element("p", {}, element("label", { for: "figure-table" }, t("chooseTable")), table),
    element("p", {}, element("label", { for: "figure-column" }, t("chooseColumn")), column),
    categories,
  );
  const pick = async (figure: Figure | null): Promise<void> => {
    state.figure = figure;
    ground.changed();
    if (figure) result.replaceChildren(element("p", {}, t("loading")));
    const told = await draw(ground);
    if (!told) {
      categories.replaceChildren();
      return result.replaceChildren(...(figure ? [element("p", { class: "empty-line" }, t("empty"))] : []));
    }
    state.figure!.categories = Object.fromEntries(told.categories.map((each) => [each.name, each.chosen]));
    ground.changed();
    ground.see(told.features);
    categories.replaceChildren(...told.categories.filter((each) => each.values.length > 1).map((each) => choice(each)));
    const rows = told.features.map((each) => each.properties as Told);
    result.replaceChildren(
      element("p", {}, element("strong", {}, shown?.label ?? ""), rows.length ? "" : ` — ${t("empty")}`),
      ...(told.unplaced ? [element("p", { class: "faint" }, t("unplaced", { n: told.unplaced }))] : []),
      ...(rows.length ? [listed(rows.slice(0, 200))] : []),
    );
    ground.say(shown?.label ?? "");
  };
  const choice = (each: Category): HTMLElement => {
    const select = element("select", { id: `category-${each.name}`, onchange: () => void pick({ ...state.figure!, categories: { ...state.figure!.categories, [each.name]: select.value } }) });
    select.append(...each.values.map((value) => element("option", { value: value.name, selected: value.name === each.chosen }, value.label)));
    return element("p", {}, element("label", { for: select.id }, each.label), select);
  };
  if (state.figure && known.some((each) => each.table === state.figure!.table)) table.value = state.figure.table;
  columns();
  if (state.figure) {
    column.value = state.figure.column;
    void pick(state.figure);
  }
}
