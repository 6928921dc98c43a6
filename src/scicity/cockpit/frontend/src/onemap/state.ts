// What is shown, in the address: a link opens the same map.

import type { Figure, Props, State, View } from "./types";

const VIEWS: View[] = ["flat", "tall", "sea", "under"];

export function read(props: Props, search = location.search): State {
  const given = new URLSearchParams(search);
  const at = (given.get("at") ?? "").split(",").map(Number);
  const names = new Set(props.layers.map((layer) => layer.name));
  const layers = new Map<string, number>();
  if (given.has("layers")) {
    for (const each of given.get("layers")!.split(",")) {
      const [name, percent] = each.split(":");
      const share = percent === undefined ? 1 : Number(percent) / 100;
      if (name && names.has(name)) layers.set(name, Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 1);
    }
  } else for (const name of props.shown) layers.set(name, 1);
  const year = Number(given.get("time"));
  const view = given.get("view") as View;
  return {
    at: at.length === 5 && at.every(Number.isFinite) && Math.abs(at[0]!) <= 180 && Math.abs(at[1]!) <= 90 ? (at as State["at"]) : null,
    layers,
    time: year >= props.years[0] && year <= props.years[1] ? year : null,
    view: VIEWS.includes(view) ? view : "flat",
    figure: figureOf(given.get("figure")),
    pick: given.get("pick") ?? "",
  };
}

function figureOf(text: string | null): Figure | null {
  const [of, ...rest] = (text ?? "").split(",");
  const dot = of?.lastIndexOf(".") ?? -1;
  if (!of || dot < 0) return null;
  const categories = Object.fromEntries(rest.map((pair) => pair.split("~").map(decodeURIComponent)).filter((pair) => pair.length === 2));
  return { table: of.slice(0, dot), column: of.slice(dot + 1), categories };
}

export function write(state: State, props: Props): string {
  const given = new URLSearchParams();
  if (state.at) given.set("at", state.at.map((value, at) => Number(value.toFixed(at < 2 ? 6 : 2))).join(","));
  given.set("layers", [...state.layers].map(([name, share]) => (share === 1 ? name : `${name}:${Math.round(share * 100)}`)).join(","));
  if (state.time !== null) given.set("time", String(state.time));
  if (state.view !== "flat") given.set("view", state.view);
  if (state.figure) {
    const { table, column, categories } = state.figure;
    const pairs = Object.entries(categories).map((pair) => pair.map(encodeURIComponent).join("~"));
    given.set("figure", [`${table}.${column}`, ...pairs].join(","));
  }
  if (state.pick) given.set("pick", state.pick);
  given.set("language", props.language);
  return `${location.pathname}?${given.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%2F", "/").replaceAll("%7E", "~")}`;
}
