// MapLibre with its style sheet and worker, once for all islands; those of domains lie outside of this package and its modules.
import { Map as Drawn, NavigationControl, setWorkerUrl, type LngLatBoundsLike } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { still, type Theme } from "./theme";

setWorkerUrl(workerUrl);
export * from "maplibre-gl";
export type { FeatureCollection, Polygon } from "geojson";

// A map without layers in a page, once it can take some.
export async function small(element: HTMLElement, theme: Theme, title: string, bounds?: LngLatBoundsLike): Promise<Drawn> {
  const container = document.createElement("div");
  container.className = "map-canvas";
  container.style.height = `${Math.max(360, Math.min(620, element.clientWidth * 0.62))}px`;
  element.append(container);
  const map = new Drawn({
    container,
    style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": theme.sunken } }] },
    ...(bounds ? { bounds } : {}),
    fitBoundsOptions: { padding: 30 },
    attributionControl: false,
    fadeDuration: still() ? 0 : 200,
    locale: { "Map.Title": title },
  });
  map.addControl(new NavigationControl({ showCompass: false }));
  await new Promise((done) => map.once("load", done));
  return map;
}
