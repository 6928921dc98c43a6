// The tree of layers: by theme, each with its switch, opacity, legend, count, metadata, and whether it is loading or failed.

import { element, swatch } from "./dom";
import type { Ground, Layer } from "./types";
import { number, t } from "./words";

export interface Tree {
  element: HTMLElement;
  status: (layer: string, status: "" | "loading" | "failed") => void;
  refresh: () => void;
}

export function tree(ground: Ground, turn: (layer: Layer, on: boolean) => void, retry: (layer: Layer) => void): Tree {
  const { props, state } = ground;
  const rows = new Map<string, { box: HTMLInputElement; row: HTMLElement; note: HTMLElement; range: HTMLInputElement; badge: HTMLElement }>();
  const list = element("div", { class: "tree-themes" });
  const count = element("p", { class: "faint tree-count" });
  const search = element("input", { type: "search", "aria-label": t("findLayer"), placeholder: t("findLayer"), oninput: () => filter() });
  for (const theme of props.themes) {
    const layers = props.layers.filter((layer) => layer.theme === theme.name);
    if (!layers.length) continue;
    const open = layers.some((layer) => state.layers.has(layer.name));
    const inside = element("ul", {}, ...layers.map((layer) => row(layer)));
    list.append(element("details", { class: "theme", open }, element("summary", {}, theme.label), inside));
  }

  function row(layer: Layer): HTMLElement {
    const on = state.layers.has(layer.name);
    const id = `layer-${layer.name.replace(/\W/g, "-")}`;
    const box = element("input", { type: "checkbox", id, disabled: !layer.loaded, onchange: () => turn(layer, box.checked) });
    box.checked = on;
    const kind = layer.kinds[0] ?? "point";
    const badge = element("span", { class: "badge badge-stand-in" }, t("standIn"));
    const note = element("span", { class: "tree-note", role: "status" });
    const counted = layer.loaded ? (layer.count === null ? "" : number(layer.count, 7)) : t("notLoaded");
    const head = element(
      "div",
      { class: "tree-row" },
      element("label", { for: id }, box, layer.classes.length > 1 ? null : swatch(layer.classes[0]?.colour ?? layer.colour, kind), element("span", {}, layer.label, badge)),
      note,
      element("span", { class: "faint tree-features", title: layer.count === null ? "" : t("features", { n: counted }) }, counted),
    );
    const range = element("input", {
      type: "range",
      min: 0,
      max: 100,
      step: 5,
      value: Math.round((state.layers.get(layer.name) ?? 1) * 100),
      "aria-label": `${layer.label}: ${t("opacity")}`,
      oninput: () => {
        if (!state.layers.has(layer.name)) return;
        state.layers.set(layer.name, Number(range.value) / 100);
        ground.restyle();
      },
    });
    const more = element("details", { class: "tree-more" }, element("summary", {}, element("span", { class: "unseen" }, layer.label), t("legend")));
    const fill = (): void => {
      more.append(element("label", { class: "opacity" }, element("span", {}, t("opacity")), range));
      if (layer.classes.length)
        more.append(
          element(
            "ul",
            { class: "legend-list" },
            ...layer.classes.map((each) => element("li", {}, swatch(each.colour, kind), `${each.label} `, element("span", { class: "faint" }, number(each.count, 7)))),
          ),
        );
      const links = element("p", { class: "tree-links" });
      if (layer.about) links.append(element("a", { href: layer.about, "aria-label": `${t("about")}: ${layer.label}` }, t("about")));
      if (layer.bounds)
        links.append(
          element("button", { type: "button", class: "link", "aria-label": `${t("zoomTo")}: ${layer.label}`, onclick: () => ground.map.fitBounds(layer.bounds!, { padding: 40, maxZoom: 16 }) }, t("zoomTo")),
        );
      if (layer.limited) links.append(element("span", { class: "badge" }, t("limited")));
      if (layer.licence) links.append(element("span", { class: "faint" }, layer.licence));
      more.append(links);
    };
    more.addEventListener("toggle", fill, { once: true });
    const item = element("li", { class: "tree-item", "data-layer": layer.name }, head, more);
    rows.set(layer.name, { box, row: item, note, range, badge });
    item.dataset.on = String(on);
    return item;
  }

  function filter(): void {
    const wanted = search.value.trim().toLowerCase();
    for (const layer of props.layers) {
      const its = rows.get(layer.name);
      if (its) its.row.hidden = Boolean(wanted) && !`${layer.label} ${layer.name}`.toLowerCase().includes(wanted);
    }
    for (const theme of list.querySelectorAll<HTMLDetailsElement>("details.theme")) {
      const any = [...theme.querySelectorAll<HTMLElement>(".tree-item")].some((item) => !item.hidden);
      theme.hidden = !any;
      if (wanted && any) theme.open = true;
    }
  }

  const refresh = (): void => {
    for (const [name, its] of rows) {
      its.box.checked = state.layers.has(name);
      its.row.dataset.on = String(its.box.checked);
      its.range.disabled = !its.box.checked;
      its.badge.hidden = !props.layers.find((layer) => layer.name === name)!.stand_in;
    }
    count.textContent = t("shown", { n: state.layers.size });
  };
  refresh();
  return {
    element: element("div", { class: "tree" }, element("div", { class: "tree-search" }, search), count, list),
    refresh,
    status(name, status) {
      const its = rows.get(name);
      if (!its || its.row.dataset.status === status) return;
      its.row.dataset.status = status;
      its.note.replaceChildren(
        ...(status === "loading" ? [t("loading")] : []),
        ...(status === "failed"
          ? [
              `${t("failed")} `,
              element("button", { type: "button", class: "link", onclick: () => retry(props.layers.find((layer) => layer.name === name)!) }, t("retry")),
            ]
          : []),
      );
    },
  };
}
