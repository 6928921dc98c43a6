// The two sides of the map: layers at the left, what a tool says at the right; on a phone each is a sheet from below.

import { element } from "./dom";
import type { Tree } from "./tree";
import type { Ground } from "./types";
import { t } from "./words";

export interface Panels {
  left: HTMLElement;
  right: HTMLElement;
  tree: Tree;
  open: (title: string, content: HTMLElement, tool: string, closed?: () => void) => void;
  close: () => void;
  toggle: () => void;
  focus: () => void;
}

export function panels(root: HTMLElement, ground: Ground, tree: Tree): Panels {
  let leaving: (() => void) | undefined;
  const narrow = matchMedia("(max-width: 760px)");
  const cross = (label: string, act: () => void) => element("button", { type: "button", class: "panel-close", "aria-label": `${t("close")}: ${label}`, onclick: act }, "×");
  const left = element(
    "aside",
    { class: "side side-left", id: "onemap-side", "aria-label": t("layers") },
    element("header", {}, element("h2", {}, t("layers")), cross(t("layers"), () => { left.hidden = true; button()?.focus(); })),
    tree.element,
  );
  const right = element("aside", { class: "side side-right", hidden: true });
  const button = () => root.querySelector<HTMLElement>(".layers-button");
  left.hidden = narrow.matches;
  const press = (tool: string): void => {
    for (const each of root.querySelectorAll<HTMLElement>("[data-tool]")) each.setAttribute("aria-expanded", String(each.dataset.tool === tool));
  };
  const close = (): void => {
    const inside = right.contains(document.activeElement);
    const tool = right.dataset.tool;
    leaving?.();
    leaving = undefined;
    right.hidden = true;
    right.replaceChildren();
    press("");
    if (inside) (root.querySelector<HTMLElement>(`[data-tool="${tool}"]`) ?? ground.map.getCanvas()).focus();
    resize();
  };
  const resize = (): void => void requestAnimationFrame(() => ground.map.resize());
  for (const side of [left, right])
    side.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      if (side === right) close();
      else if (narrow.matches) { left.hidden = true; button()?.focus(); }
    });
  return {
    left,
    right,
    tree,
    open(title, content, tool, closed) {
      leaving?.();
      leaving = closed;
      const same = right.dataset.tool === tool && !right.hidden;
      right.dataset.tool = tool;
      right.setAttribute("aria-label", title);
      const body = element("div", { class: "panel-body" }, content);
      right.replaceChildren(element("header", {}, element("h2", { tabindex: -1 }, title), cross(title, close)), body);
      right.hidden = false;
      if (narrow.matches) left.hidden = true;
      press(tool);
      if (!same) resize();
      // Whoever came by the toolbar goes on in the panel; whoever works on the map stays there.
      if (document.activeElement?.closest(".toolbar")) right.querySelector<HTMLElement>("h2")?.focus();
    },
    close,
    toggle() {
      left.hidden = !left.hidden;
      if (!left.hidden && narrow.matches) {
        close();
        tree.element.querySelector<HTMLElement>("input")?.focus();
      }
      resize();
    },
    focus() {
      left.hidden = false;
      tree.element.querySelector<HTMLElement>('input[type="checkbox"]')?.focus();
      resize();
    },
  };
}
