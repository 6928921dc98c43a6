// The page's own colours: charts and maps take them from the style sheet, so that light, dark and the wall screen agree.

export interface Theme {
  ink: string;
  faint: string;
  line: string;
  panel: string;
  sunken: string;
  accent: string;
  series: string[];
  font: string;
}

export function themeOf(element: Element): Theme {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: of("ink"),
    faint: of("ink-2"),
    line: of("line"),
    panel: of("panel"),
    sunken: of("sunken"),
    accent: of("accent"),
    font: style.fontFamily, // charts measure text on a canvas, where `inherit` means nothing
    series: ["accent-2", "spot", "indigo", "good", "bad", "ink-2"].map(of),
  };
}

export const still = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
