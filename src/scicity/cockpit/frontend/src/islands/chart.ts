import { BarChart, HeatmapChart, LineChart, SankeyChart } from "echarts/charts";
import {
  AriaComponent,
  CalendarComponent,
  GridComponent,
  LegendComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import { init, use, type EChartsCoreOption } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { still, themeOf, type Theme } from "../theme";

use([BarChart, HeatmapChart, LineChart, SankeyChart, AriaComponent, CalendarComponent, GridComponent]);
use([LegendComponent, TooltipComponent, VisualMapComponent, SVGRenderer]);

interface Series {
  name: string;
  kind: "line" | "bar" | "limit";
  stack?: string;
  values: (number | null)[];
  why: (string | null)[];
}
interface Props {
  kind: "line" | "bar" | "calendar" | "sankey";
  title: string;
  unit: string;
  language: "zh" | "en";
  axis?: string;
  labels?: string[];
  series?: Series[];
  days?: [string, number | null, string | null][];
  pieces?: { to: number | null; colour: string; name: string }[];
  nodes?: { name: string }[];
  links?: { source: string; target: string; value: number; why: string | null }[];
}

const HEIGHT = { line: 320, bar: 320, sankey: 440, calendar: 190 };
const YEAR_HEIGHT = 150; // a year of a calendar
const NODE_HEIGHT = 19; // of the flows, so that names do not lie upon each other

export function mount(element: HTMLElement, given: unknown): void {
  const props = given as Props;
  const years = [...new Set((props.days ?? []).map(([day]) => day.slice(0, 4)))];
  const canvas = document.createElement("div");
  canvas.style.height = `${heightOf(props, years)}px`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", props.title);
  element.append(canvas);
  const chart = init(canvas, null, { renderer: "svg" });
  const draw = () => chart.setOption(option(props, themeOf(element), years, canvas.clientWidth), { notMerge: true });
  draw();
  chart.on("click", (event) => {
    const at = event.data as { why?: string | null } | undefined;
    if (at?.why) location.assign(at.why);
  });
  new ResizeObserver(() => {
    chart.resize();
    if (props.kind === "calendar" || props.kind === "sankey") draw();
  }).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

function heightOf(props: Props, years: string[]): number {
  if (props.kind === "calendar") return 60 + YEAR_HEIGHT * years.length;
  return Math.max(HEIGHT[props.kind], NODE_HEIGHT * (props.nodes ?? []).length);
}

function option(props: Props, theme: Theme, years: string[], width: number): EChartsCoreOption {
  const number = new Intl.NumberFormat(props.language === "zh" ? "zh-CN" : "en-GB", { maximumSignificantDigits: 5 });
  const shown = (value: unknown) =>
    typeof value === "number" ? `${number.format(value)} ${props.unit}`.trim() : props.language === "zh" ? "未知" : "unknown";
  const base: EChartsCoreOption = {
    animation: !still(),
    aria: { enabled: true, label: { description: props.title } },
    color: theme.series,
    textStyle: { color: theme.ink, fontFamily: theme.font },
    tooltip: {
      trigger: props.kind === "sankey" || props.kind === "calendar" ? "item" : "axis",
      confine: true,
      backgroundColor: theme.panel,
      borderColor: theme.line,
      textStyle: { color: theme.ink },
    },
  };
  if (props.kind === "sankey") return { ...base, series: [sankey(props, theme, width, shown)] };
  if (props.kind === "calendar") return { ...base, ...calendar(props, theme, years, width, shown) };
  return { ...base, ...axes(props, theme, number), series: (props.series ?? []).map((one) => line(one, props, shown)) };
}

function axes(props: Props, theme: Theme, number: Intl.NumberFormat): EChartsCoreOption {
  const text = { color: theme.faint };
  const many = (props.series ?? []).length > 1;
  return {
    grid: { left: 12, right: 20, top: many ? 56 : 36, bottom: 8, containLabel: true },
    legend: many ? { top: 0, type: "scroll", textStyle: { color: theme.ink } } : undefined,
    xAxis: { type: "category", data: props.labels, axisLabel: text, axisLine: { lineStyle: { color: theme.line } } },
    yAxis: {
      type: "value",
      name: props.unit,
      nameTextStyle: { color: theme.faint, align: "left" },
      axisLabel: { ...text, formatter: (value: number) => number.format(value) },
      splitLine: { lineStyle: { color: theme.line, opacity: 0.6 } },
    },
  };
}

function line(one: Series, props: Props, shown: (value: unknown) => string): EChartsCoreOption {
  const limit = one.kind === "limit";
  return {
    name: one.name,
    type: one.kind === "bar" ? "bar" : "line",
    data: one.values.map((value, at) => ({ value: value ?? "-", why: one.why[at] })),
    connectNulls: false,
    symbolSize: limit ? 0 : 5,
    showSymbol: !limit && (props.labels ?? []).length <= 40,
    step: limit ? "middle" : false,
    lineStyle: limit ? { type: "dashed", width: 1.5 } : { width: 2 },
    barMaxWidth: 42,
    stack: one.stack,
    barCategoryGap: one.stack ? "0%" : undefined,
    tooltip: { valueFormatter: shown },
  };
}

function calendar(
  props: Props,
  theme: Theme,
  years: string[],
  width: number,
  shown: (value: unknown) => string,
): EChartsCoreOption {
  const values = (props.days ?? []).map(([, value]) => value).filter((value): value is number => value !== null);
  const cell = Math.max(5, Math.min(26, (width - 80) / 54));
  const pieces = props.pieces ?? [];
  const visual = pieces.length
    ? {
        type: "piecewise",
        pieces: pieces.map((piece, at) => ({
          gt: at ? pieces[at - 1]!.to : undefined,
          lte: piece.to ?? undefined,
          color: piece.colour,
          label: piece.name,
        })),
      }
    : {
        type: "continuous",
        min: Math.min(...values, 0),
        max: Math.max(...values, 1),
        inRange: { color: [theme.sunken, theme.series[0], theme.series[1]] },
        calculable: false,
      };
  return {
    visualMap: { ...visual, orient: "horizontal", left: 12, top: 0, textStyle: { color: theme.ink }, itemGap: 6 },
    calendar: years.map((year, at) => ({
      range: year,
      top: 60 + at * YEAR_HEIGHT,
      left: 60,
      cellSize: [cell, Math.min(cell, 16)],
      itemStyle: { color: theme.sunken, borderColor: theme.panel, borderWidth: 1 },
      splitLine: { lineStyle: { color: theme.line } },
      dayLabel: { nameMap: props.language === "zh" ? "ZH" : "EN", color: theme.faint, firstDay: 1 },
      monthLabel: { nameMap: props.language === "zh" ? "ZH" : "EN", color: theme.faint },
      yearLabel: { color: theme.faint, fontSize: 14 },
    })),
    series: years.map((year, at) => ({
      type: "heatmap",
      coordinateSystem: "calendar",
      calendarIndex: at,
      data: (props.days ?? [])
        .filter(([day, value]) => day.startsWith(year) && value !== null)
        .map(([day, value, why]) => ({ value: [day, value], why })),
      tooltip: {
        formatter: (point: { value: [string, number] }) => `${point.value[0]}<br>${shown(point.value[1])}`,
      },
    })),
  };
}

function sankey(props: Props, theme: Theme, width: number, shown: (value: unknown) => string): EChartsCoreOption {
  const right = Math.min(Math.max(width * 0.24, 110), 280); // [px] for the names of the last
  return {
    type: "sankey",
    data: props.nodes,
    links: props.links,
    left: 8,
    right,
    top: 16,
    bottom: 8,
    nodeGap: 9,
    draggable: false,
    emphasis: { focus: "adjacency" },
    label: { color: theme.ink, width: right - 12, overflow: "truncate" },
    lineStyle: { color: "gradient", opacity: 0.35 },
    tooltip: { valueFormatter: shown },
  };
}
