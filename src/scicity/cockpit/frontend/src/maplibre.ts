// MapLibre with its style sheet and worker, once for all islands; those of domains lie outside of this package and its modules.
import { setWorkerUrl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

setWorkerUrl(workerUrl);
export * from "maplibre-gl";
export type { FeatureCollection, Polygon } from "geojson";
