// Selecting by a drawn area: a table of what lies in it, and files of all of it.

import { element, table } from "./dom";
import type { Ground } from "./types";
import { metres, t } from "./words";

type At = [number, number];
interface Row { layer_label: string; name: string; feature: string; class: string; depth: number | null; height: number | null; url: string }
interface Answer { rows: Row[]; counts: { layer: string; label: string; count: number }[]; total: number; expected?: string }

export const token = (): string => document.querySelector<HTMLInputElement>('input[name="csrfmiddlewaretoken"]')?.value ?? "";

export function open(ground: Ground): void {
  let stop = () => {};
  let shape: "box" | "area" = "box";
  const result = element("div", { class: "selected", "aria-live": "polite" });
  const begin = (): void => {
    stop();
    result.replaceChildren();
    stop = ground.draw({ shape, done: (corners) => void ask(corners) });
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.shape === shape));
  };
  const view = (): At[] => {
    const bounds = ground.map.getBounds();
    return [bounds.getSouthWest(), bounds.getSouthEast(), bounds.getNorthEast(), bounds.getNorthWest()].map(({ lng, lat }) => [lng, lat]);
  };
  const ask = async (area: At[]): Promise<void> => {
    const layers = ground.props.layers.filter((layer) => layer.about && ground.state.layers.has(layer.name)).map((layer) => layer.name);
    const asked = JSON.stringify({ area, layers, day: ground.day() });
    result.replaceChildren(element("p", {}, t("loading")));
    const answer = await ground.open(`${ground.props.urls.select}?language=${ground.props.language}`, {
      method: "POST",
      body: asked,
      headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
    });
    const told = (await answer.json()) as Answer;
    if (!answer.ok) return result.replaceChildren(element("p", { class: "alert" }, t("fault", { e: told.expected ?? answer.status })));
    show(told, asked);
  };
  const show = (told: Answer, asked: string): void => {
    const said = t("selected", { n: told.total });
    const rows = told.rows.map((row) => [
      element("a", { href: row.url }, row.name || row.class || row.feature),
      row.layer_label,
      row.class,
      row.depth !== null ? `−${metres(row.depth)}` : row.height !== null ? metres(row.height) : "",
    ]);
    const parts: Node[] = [element("p", {}, element("strong", {}, said), ` ${told.counts.filter((each) => each.count).map((each) => `${each.label} ${each.count}`).join(" · ")}`)];
    if (told.total) {
      if (told.rows.length < told.total) parts.push(element("p", { class: "faint" }, t("firstShown", { n: told.rows.length })));
      parts.push(element("div", { class: "chips" }, file("geojson", asked), file("csv", asked)));
      parts.push(table([t("name"), t("layer"), t("class"), `${t("height")} / ${t("depth")}`], rows, said));
    } else parts.push(element("p", { class: "empty-line" }, t("nothing")));
    result.replaceChildren(...parts);
    ground.say(said);
  };
  const file = (form: "geojson" | "csv", asked: string): HTMLElement =>
    element(
      "form",
      { method: "post", action: `/map/select.${form}` },
      element("input", { type: "hidden", name: "csrfmiddlewaretoken", value: token() }),
      element("input", { type: "hidden", name: "asked", value: asked }),
      element("button", { class: "chip" }, `${t("exportAs")} ${form === "csv" ? "CSV" : "GeoJSON"}`),
    );
  const choose = (name: "box" | "area", word: "box" | "polygon") =>
    element("button", { type: "button", class: "chip", "data-shape": name, onclick: () => { shape = name; begin(); } }, t(word));
  const buttons = [choose("box", "box"), choose("area", "polygon")];
  const whole = element("button", { type: "button", class: "chip", onclick: () => { stop(); void ask(view()); } }, t("inView"));
  ground.panel(t("select"), element("div", {}, element("p", { class: "chips" }, ...buttons, whole), element("p", { class: "faint" }, t("drawHelp")), result), "select", () => stop());
  begin();
}
