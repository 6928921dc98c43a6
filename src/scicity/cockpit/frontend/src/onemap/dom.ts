// Elements in a line: element("button", { type: "button", onclick }, "text").

type Given = Record<string, string | number | boolean | ((event: never) => void) | undefined>;
type Child = Node | string | null | undefined | false;

export function element<K extends keyof HTMLElementTagNameMap>(tag: K, given: Given = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value as EventListener);
    else if (name === "class") made.className = String(value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child): child is Node | string => Boolean(child)));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function drawn(tag: string, given: Record<string, string | number> = {}, ...children: (Node | string)[]): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(given)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

export const swatch = (colour: string, kind: string): HTMLElement => {
  const made = element("i", { class: `swatch swatch-${kind}`, "aria-hidden": "true" });
  made.style.setProperty("--colour", colour);
  return made;
};

export function table(heads: string[], rows: Child[][], label: string): HTMLElement {
  const cell = (tag: "th" | "td", child: Child) => element(tag, tag === "th" ? { scope: "row" } : {}, child);
  return element(
    "div",
    { class: "scroll", tabindex: 0, role: "group", "aria-label": label },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((child, at) => cell(at ? "td" : "th", child))))),
    ),
  );
}
