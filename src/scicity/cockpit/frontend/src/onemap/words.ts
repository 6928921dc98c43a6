// The map's words, Chinese and English side by side.

const WORDS = {
  map: ["地图：方向键移动，加减键缩放，回车查询十字处", "Map: arrow keys move it, plus and minus zoom, Enter asks at the cross"],
  layers: ["图层", "Layers"],
  findLayer: ["查找图层", "Find a layer"],
  opacity: ["不透明度", "Opacity"],
  loading: ["加载中", "loading"],
  failed: ["加载失败", "failed"],
  retry: ["重试", "Try again"],
  notLoaded: ["尚未入库", "not loaded yet"],
  features: ["{n} 个要素", "{n} features"],
  about: ["元数据", "About it"],
  zoomTo: ["缩放至", "Zoom to it"],
  limited: ["限定角色可见", "for some roles only"],
  standIn: ["替代", "stand-in"],
  shown: ["已显示 {n} 层", "{n} layers are shown"],
  time: ["时间", "Time"],
  now: ["现在", "now"],
  planned: ["规划", "planned"],
  endOf: ["{y} 年末", "end of {y}"],
  legend: ["图例", "Legend"],
  tools: ["工具", "Tools"],
  identify: ["查询", "Identify"],
  measure: ["测量", "Measure"],
  select: ["选择", "Select"],
  section: ["剖面", "Section"],
  figures: ["指标与读数", "Figures"],
  print: ["打印", "Print"],
  help: ["键盘", "Keyboard"],
  view: ["视图", "View"],
  flat: ["平面", "Plan"],
  tall: ["三维（地面以上高度）", "3D: height above ground"],
  sea: ["三维（海拔）", "3D: above sea level"],
  under: ["地下", "Underground"],
  close: ["关闭", "Close"],
  nothing: ["此处没有显示中的要素", "Nothing that is shown lies here"],
  found: ["此处有 {n} 个要素", "{n} features lie here"],
  openPage: ["打开要素页", "Open its page"],
  why: ["由来", "Why"],
  trace: ["连接关系", "What it is connected to"],
  up: ["上游", "upstream"],
  down: ["下游", "downstream"],
  both: ["全部相连", "all connected"],
  depth: ["埋深", "Depth"],
  height: ["高度", "Height"],
  level: ["层次", "Level"],
  class: ["类别", "Class"],
  name: ["名称", "Name"],
  layer: ["图层", "Layer"],
  origin: ["来源性质", "Origin"],
  above: ["地上", "above ground"],
  surface: ["地面", "surface"],
  underground: ["地下", "underground"],
  from: ["自", "From"],
  to: ["至", "Until"],
  length: ["长度", "Length"],
  area: ["面积", "Area"],
  perimeter: ["周长", "Perimeter"],
  line: ["线", "Line"],
  polygon: ["多边形", "Polygon"],
  box: ["矩形", "Box"],
  point: ["点", "Point"],
  inView: ["当前视野", "What is in view"],
  drawHelp: [
    "在地图上逐点点击，双击或按 F 完成，退格撤销，Esc 取消。键盘：先聚焦地图，用方向键移动，回车在十字处落点。",
    "Click corner by corner; double click or F ends, Backspace takes one back, Esc leaves. By keyboard: move the map with the arrow keys, Enter sets a corner at the cross.",
  ],
  corner: ["第 {n} 点", "corner {n}"],
  finish: ["完成", "Finish"],
  undo: ["撤销一点", "Take one back"],
  clear: ["清除", "Clear"],
  start: ["开始", "Start"],
  selected: ["选中 {n} 个要素", "{n} features are selected"],
  firstShown: ["列出前 {n} 个", "the first {n} are listed"],
  exportAs: ["导出", "Export"],
  crossed: ["剖面长 {l}，穿过 {n} 处", "A section of {l} crosses {n}"],
  along: ["里程", "Along"],
  size: ["尺寸", "Size"],
  elevation: ["高程", "Elevation"],
  unknownDepth: ["埋深未知", "depth not known"],
  byDepth: ["视野内由浅到深", "In view, by depth"],
  chooseTable: ["数据表", "Table"],
  chooseColumn: ["数值", "Figure"],
  none: ["（不显示）", "(none)"],
  noValue: ["未知", "unknown"],
  date: ["日期", "Date"],
  value: ["数值", "Value"],
  byZone: ["分区", "Zones"],
  byBuilding: ["建筑", "Buildings"],
  byStation: ["监测站", "Stations"],
  byOther: ["其他", "Others"],
  reading: ["最新读数", "Newest readings"],
  unplaced: ["{n} 项没有位置，未上图", "{n} have no place on the map"],
  updated: ["数值已更新", "Figures were brought up to date"],
  empty: ["没有数据", "There are no data"],
  paper: ["纸张", "Paper"],
  scale: ["比例尺", "Scale"],
  asShown: ["按当前视野", "as on the screen"],
  title: ["标题", "Title"],
  makePdf: ["生成 PDF", "Make the PDF"],
  making: ["正在生成……", "Making it…"],
  made: ["PDF 已生成", "The PDF is made"],
  open: ["打开", "Open"],
  fault: ["没有成功：{e}", "That did not work: {e}"],
  connected: ["相连 {n} 个要素", "{n} features hang together"],
  more: ["仅绘前 {n} 个", "only the first {n} are drawn"],
  share: ["复制链接", "Copy the link"],
  copied: ["链接已复制", "The link is copied"],
  home: ["回到全区", "The whole district"],
  north: ["正北、平视", "North up, from above"],
  keys: [
    [
      "方向键：移动；Shift + 方向键：旋转、倾斜；+ −：缩放",
      "回车：在十字处查询，或在测量、选择、剖面时落点",
      "F：完成；退格：撤销一点；Esc：取消或关闭",
      "Tab：图层树、工具、时间；空格：开关图层；滑块用方向键",
      "I 查询，M 测量，S 选择，P 剖面，L 图层（地图聚焦时）",
    ],
    [
      "Arrow keys move; Shift and arrow keys turn and tilt; + and − zoom",
      "Enter asks at the cross, or sets a corner while measuring, selecting or cutting",
      "F ends; Backspace takes a corner back; Esc leaves or closes",
      "Tab leads through layers, tools and time; Space turns a layer on and off; sliders follow the arrow keys",
      "I identify, M measure, S select, P section, L layers (while the map has the focus)",
    ],
  ],
} as const;

export type Word = Exclude<keyof typeof WORDS, "keys">;
let at: 0 | 1 = 0;

export function speak(language: "zh" | "en"): void {
  at = language === "zh" ? 0 : 1;
}
export function t(word: Word, values: Record<string, string | number> = {}): string {
  return Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, String(value)), WORDS[word][at] as string);
}
export const keys = (): readonly string[] => WORDS.keys[at];
export const locale = (): string => (at === 0 ? "zh-CN" : "en-GB");
export const number = (value: number, digits = 4): string =>
  new Intl.NumberFormat(locale(), { maximumSignificantDigits: digits }).format(value);
export const metres = (value: number): string => (value >= 10_000 ? `${number(value / 1000)} km` : `${number(value)} m`);
export const hectares = (value: number): string =>
  value >= 1e6 ? `${number(value / 1e6)} km²` : value >= 1e4 ? `${number(value / 1e4)} ha` : `${number(value)} m²`;
export function day(told: unknown): string {
  const text = String(told ?? "");
  return text.length === 8 ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : text;
}
