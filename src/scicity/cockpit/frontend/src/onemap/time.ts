// The time slider: the district at the end of a year, or now.

import { element } from "./dom";
import type { Ground } from "./types";
import { t } from "./words";

const MARKS = [2009, 2018, 2035];

export const thisYear = (today: number): number => Math.floor(today / 10_000);

export function wordsOf(year: number | null, today: number): string {
  if (year === null) return t("now");
  return t(year > thisYear(today) ? "plannedFor" : "endOf", { y: year });
}

export function slider(ground: Ground): HTMLElement {
  const { props, state } = ground;
  const now = thisYear(props.today);
  const [first, last] = props.years;
  const shown = element("output", { class: "time-shown", for: "time-range" });
  const range = element("input", { type: "range", id: "time-range", min: first, max: last, step: 1, value: state.time ?? now, "aria-label": t("time") });
  const buttons = [...MARKS.filter((year) => year >= first && year <= last && year !== now), now].sort((a, b) => a - b);
  const marks = buttons.map((year) =>
    element("button", { type: "button", class: "chip", "data-year": year, onclick: () => set(year) }, year === now ? t("now") : String(year)),
  );
  const show = (): void => {
    const words = wordsOf(state.time, props.today);
    shown.textContent = words;
    range.setAttribute("aria-valuetext", words);
    for (const mark of marks) mark.setAttribute("aria-pressed", String(Number(mark.dataset.year) === (state.time ?? now)));
  };
  const set = (year: number): void => {
    state.time = year === now ? null : year;
    range.value = String(year);
    show();
    ground.restyle();
  };
  range.addEventListener("input", () => set(Number(range.value)));
  show();
  return element(
    "div",
    { class: "time", role: "group", "aria-label": t("time") },
    element("span", { class: "time-ends", "aria-hidden": "true" }, String(first)),
    range,
    element("span", { class: "time-ends", "aria-hidden": "true" }, String(last)),
    shown,
    element("div", { class: "chips" }, ...marks),
  );
}
