// What a pipe is connected to: followed on the server by the nodes that features share, lit here and listed.

import { element, table } from "./dom";
import type { Ground, Layer } from "./types";
import { metres, t } from "./words";

interface Told { feature: string; name: string; class: string; depth: number | null; url: string }

export async function open(ground: Ground, layer: Layer, feature: string, way: "up" | "down" | "both"): Promise<void> {
  const query = new URLSearchParams({ layer: layer.name, feature, way, day: String(ground.day()), language: ground.props.language });
  const answer = await ground.open(`${ground.props.urls.trace}?${query}`);
  if (!answer.ok) {
    const { expected } = (await answer.json().catch(() => ({}))) as { expected?: string };
    return ground.panel(t("trace"), element("p", { class: "alert" }, t("fault", { e: expected ?? answer.status })), "trace");
  }
  const told = (await answer.json()) as GeoJSON.FeatureCollection & { total: number; more: boolean };
  ground.mark(told.features, "traced");
  const rows = (told.features.map((each) => each.properties) as unknown as Told[]).slice(0, 300);
  const said = `${t(way)}: ${t("connected", { n: told.total })}`;
  const ways = (["up", "down", "both"] as const).map((each) =>
    element("button", { type: "button", class: "chip", "aria-pressed": String(each === way), onclick: () => void open(ground, layer, feature, each) }, t(each)),
  );
  ground.panel(
    t("trace"),
    element(
      "div",
      {},
      element("p", { class: "chips" }, ...ways),
      element("p", {}, element("strong", {}, said), told.more && ` ${t("more", { n: told.features.length })}`),
      table([t("name"), t("class"), t("depth")], rows.map((each) => [element("a", { href: each.url }, each.name), each.class, each.depth === null ? "" : `−${metres(each.depth)}`]), said),
    ),
    "trace",
    () => ground.mark([], "traced"),
  );
  ground.see(told.features);
  ground.say(said);
}
