// What the page tells the map (views/map.py, map/layers.py), and what the map holds.

import type { Map as Drawn } from "maplibre-gl";

export interface Class {
  key: string;
  label: string;
  count: number;
  colour: string;
}
export interface Layer {
  name: string;
  label: string;
  theme: string;
  loaded: boolean;
  count: number | null;
  kinds: ("area" | "line" | "point")[];
  strata: string[];
  bounds: [number, number, number, number] | null;
  classes: Class[];
  colour: string;
  tall: boolean; // its features have heights
  lowest?: number | null; // the elevation of the lowest of these [m]
  deep: boolean; // it lies under ground, or has depths
  timed: boolean;
  tiles: string; // address of its vector tiles; where there is none:
  url: string; // of its GeoJSON
  about: string; // the page with its metadata
  licence: string;
  origin: string;
  stand_in: boolean; // it, or one of its features
  source: string;
  limited: boolean; // only some roles see it
  ring?: boolean;
}
export interface Props {
  layers: Layer[];
  themes: { name: string; label: string }[];
  shown: string[];
  names: [number, number, string][]; // of zones, each with a point in it
  home: [number, number, number, number] | null;
  today: number; // 20260101
  years: [number, number];
  language: "zh" | "en";
  live: number;
  papers: Record<string, [number, number]>; // the frame of the map on each [mm]
  urls: { values: string; section: string; trace: string; select: string; sheet: string; feature: string };
}
export type View = "flat" | "tall" | "sea" | "under";
export interface Figure {
  table: string;
  column: string;
  categories: Record<string, string>;
}
export interface State {
  at: [number, number, number, number, number] | null; // longitude, latitude, zoom, bearing, pitch
  layers: Map<string, number>; // opacity by layer, 0 to 1
  time: number | null; // a year; null is now
  view: View;
  figure: Figure | null;
  pick: string; // layer/feature
}
export type Told = Record<string, string | number | null | undefined>;
export interface Place {
  lng: number;
  lat: number;
}

// What every tool is given.
export interface Ground {
  map: Drawn;
  props: Props;
  state: State;
  root: HTMLElement;
  panel: (title: string, content: HTMLElement, tool: string, closed?: () => void) => void;
  say: (text: string) => void; // to those who hear the page
  changed: () => void; // the state is other: the address follows
  restyle: () => void; // view, time, opacity or layers are other
  draw: (options: Drawing) => () => void; // corners by pointer or keyboard; gives back how to stop
  mark: (features: GeoJSON.Feature[], part?: string) => void; // what is lit
  day: () => number; // the day that is shown, 20260101
  open: (url: string, init?: RequestInit) => Promise<Response>;
  standIn: (figure?: boolean) => boolean; // whether anything that is shown is stand-in; told of the figure
  see: (features: GeoJSON.Feature[]) => void; // moves the map where they are not all in view
}
export interface Drawing {
  shape: "point" | "line" | "area" | "box";
  changed?: (corners: [number, number][], done: boolean) => void;
  done: (corners: [number, number][]) => void;
}
