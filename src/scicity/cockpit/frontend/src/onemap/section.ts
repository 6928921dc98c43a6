// A section along a drawn line: what it crosses under ground, drawn to depth, and as a table.

import { drawn, element, swatch, table } from "./dom";
import type { Ground } from "./types";
import { metres, number, t } from "./words";

type At = [number, number];
interface Crossing { layer: string; layer_label: string; feature: string; name: string; class: string; colour: string; along: number; until: number; depth: number | null; elevation: number | null; tall: number | null; wide: number | null; url: string }
interface Answer { length: number; crossings: Crossing[]; more: boolean; expected?: string }

const WIDE = 430;
const HIGH = 270;
const EDGE = { left: 46, right: 14, top: 22, bottom: 34 };
const LEAST = 7; // [px] of a thing that is drawn

export function open(ground: Ground): void {
  const result = element("div", { class: "section", "aria-live": "polite" });
  let stop = () => {};
  const begin = (): void => {
    stop();
    result.replaceChildren();
    stop = ground.draw({ shape: "line", done: (corners) => void ask(ground, corners, result) });
  };
  ground.panel(
    t("section"),
    element("div", {}, element("p", { class: "chips" }, element("button", { type: "button", class: "chip", onclick: begin }, t("start")), element("button", { type: "button", class: "chip", onclick: () => result.replaceChildren(byDepth(ground)) }, t("byDepth"))), element("p", { class: "faint" }, t("drawHelp")), result),
    "section",
    () => {
      stop();
      ground.mark([]);
    },
  );
  begin();
}

async function ask(ground: Ground, line: At[], result: HTMLElement): Promise<void> {
  const deep = ground.props.layers.filter((layer) => layer.deep && layer.about);
  const shown = deep.filter((layer) => ground.state.layers.has(layer.name));
  const query = new URLSearchParams({
    line: line.map((corner) => corner.map((value) => value.toFixed(7)).join(",")).join(";"),
    layers: (shown.length ? shown : deep).map((layer) => layer.name).join(","),
    day: String(ground.day()),
    language: ground.props.language,
  });
  result.replaceChildren(element("p", {}, t("loading")));
  const answer = await ground.open(`${ground.props.urls.section}?${query}`);
  const told = (await answer.json()) as Answer;
  if (!answer.ok) return result.replaceChildren(element("p", { class: "alert" }, t("fault", { e: told.expected ?? answer.status })));
  const said = t("crossed", { l: metres(told.length), n: told.crossings.length });
  result.replaceChildren(element("p", {}, element("strong", {}, said)), ...(told.crossings.length ? [picture(told, said), listed(told, said)] : [element("p", { class: "empty-line" }, t("nothing"))]));
  ground.say(said);
}

function picture({ length, crossings }: Answer, said: string): HTMLElement {
  const deepest = Math.max(4, ...crossings.map((each) => (each.depth ?? 0) + (each.tall ?? 0))) * 1.08;
  const x = (along: number) => EDGE.left + (along / length) * (WIDE - EDGE.left - EDGE.right);
  const y = (depth: number) => EDGE.top + (depth / deepest) * (HIGH - EDGE.top - EDGE.bottom);
  const parts: SVGElement[] = [];
  for (const depth of steps(deepest))
    parts.push(drawn("line", { x1: EDGE.left, x2: WIDE - EDGE.right, y1: y(depth), y2: y(depth), class: depth ? "grid" : "soil" }), drawn("text", { x: EDGE.left - 6, y: y(depth) + 4, class: "tick tick-left" }, depth ? `−${number(depth)} m` : "0"));
  for (const along of steps(length)) parts.push(drawn("text", { x: x(along), y: HIGH - 12, class: "tick" }, metres(along)));
  for (const each of crossings) {
    if (each.depth === null) continue;
    const high = Math.max(LEAST, y(each.depth + (each.tall ?? 0)) - y(each.depth));
    const spread = x(each.until) - x(each.along);
    const wide = Math.max(LEAST, spread || (each.wide ?? 0) * ((WIDE - EDGE.left - EDGE.right) / length), spread ? 0 : Math.min(high, 14));
    const round = each.tall !== null && each.tall === each.wide;
    const middle = x((each.along + each.until) / 2);
    const top = y(each.depth);
    const shape = round
      ? drawn("ellipse", { cx: middle, cy: top + high / 2, rx: wide / 2, ry: high / 2, fill: each.colour, class: "thing" })
      : drawn("rect", { x: middle - wide / 2, y: top, width: wide, height: high, rx: 1.5, fill: each.colour, class: "thing" });
    const depth = `${each.name}: ${metres(each.along)}, −${metres(each.depth)}`;
    parts.push(drawn("a", { href: each.url, tabindex: -1, "aria-label": depth }, drawn("title", {}, depth), shape));
  }
  const picture = drawn("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": said, class: "section-picture" }, ...parts);
  const classes = new Map(crossings.map((each) => [each.class || each.layer_label, each.colour]));
  return element("figure", { class: "section-figure" }, picture as unknown as Node, element("figcaption", {}, ...[...classes].map(([name, colour]) => element("span", {}, swatch(colour, "area"), name))));
}

function steps(most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => most / each <= 6) ?? most;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, at) => at * step);
}

function listed({ crossings }: Answer, said: string): HTMLElement {
  const rows = crossings.map((each) => [
    element("a", { href: each.url }, each.name),
    metres(each.along),
    each.depth === null ? t("unknownDepth") : `−${metres(each.depth)}`,
    each.elevation === null ? "" : metres(each.elevation),
    each.tall === null ? "" : metres(each.tall),
    each.layer_label,
  ]);
  return table([t("name"), t("along"), t("depth"), t("elevation"), t("size"), t("layer")], rows, said);
}

// What is drawn under ground in the view, the shallowest first.
function byDepth(ground: Ground): HTMLElement {
  const layers = ground.props.layers.filter((layer) => layer.deep && ground.state.layers.has(layer.name));
  const ids = layers.flatMap((layer) => ["line", "point", "area"].map((part) => `${layer.name}-${part}`)).filter((id) => ground.map.getLayer(id));
  const seen = new Map<string, { href: string; name: string; class: string; depth: number | null; layer: string }>();
  for (const feature of ids.length ? ground.map.queryRenderedFeatures({ layers: ids }) : []) {
    const layer = layers.find((each) => each.name === feature.source);
    const told = feature.properties as Record<string, string | number | undefined>;
    if (!layer || seen.has(`${layer.name}/${told.feature}`)) continue;
    const word = layer.classes.find((each) => each.key === told.feature_class)?.label ?? "";
    seen.set(`${layer.name}/${told.feature}`, {
      href: `${ground.props.urls.feature}${layer.name}/${encodeURIComponent(String(told.feature))}/`,
      name: String(told.name ?? word ?? told.feature),
      class: word,
      depth: typeof told.depth === "number" ? told.depth : null,
      layer: layer.label,
    });
  }
  const all = [...seen.values()].sort((a, b) => (a.depth ?? Infinity) - (b.depth ?? Infinity));
  if (!all.length) return element("p", { class: "empty-line" }, t("nothing"));
  const rows = all.slice(0, 200).map((each) => [element("a", { href: each.href }, each.name), each.depth === null ? t("unknownDepth") : `−${metres(each.depth)}`, each.class, each.layer]);
  const said = t("selected", { n: all.length });
  return element("div", {}, element("p", {}, said, all.length > 200 ? ` ${t("firstShown", { n: 200 })}` : ""), table([t("name"), t("depth"), t("class"), t("layer")], rows, t("byDepth")));
}
