// Islands: elements with data-island="name" and their properties as JSON in a script element that is data, not code.
// An island is a module `islands/<name>.ts`, here or in `pages/islands/` of a domain, that exports `mount(element, props)`.
// It is fetched when its element comes near the screen; without scripts the page's own table says the same.

import { follow } from "./live";

type Island = { mount: (element: HTMLElement, props: unknown) => void | Promise<void> };

const modules = {
  ...import.meta.glob<Island>("./islands/*.ts"),
  ...import.meta.glob<Island>("../../../domains/*/pages/islands/*.ts"),
};
const byName = new Map(Object.entries(modules).map(([path, load]) => [path.split("/").pop()!.replace(".ts", ""), load]));

async function mount(element: HTMLElement): Promise<void> {
  const load = byName.get(element.dataset.island ?? "");
  const data = element.querySelector<HTMLScriptElement>('script[type="application/json"]');
  if (!load || !data) return;
  try {
    await (await load()).mount(element, JSON.parse(data.textContent ?? "{}"));
    element.dataset.state = "ready";
  } catch (error) {
    element.dataset.state = "failed"; // the table beside it stays
    console.warn(error);
  }
}

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      void mount(entry.target as HTMLElement);
    }
  },
  { rootMargin: "300px" },
);
document.querySelectorAll<HTMLElement>("[data-island]").forEach((element) => near.observe(element));
follow((element) => near.observe(element));

// Menus close when somebody turns to something else, or presses Escape.
const opened = () => document.querySelector<HTMLDetailsElement>("details.menu[open]");
document.addEventListener("pointerdown", (event) => {
  const menu = opened();
  if (menu && !menu.contains(event.target as Node)) menu.open = false;
});
document.addEventListener("focusin", (event) => {
  const menu = opened();
  if (menu && !menu.contains(event.target as Node)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = opened();
  if (event.key !== "Escape" || !menu) return;
  menu.open = false;
  menu.querySelector("summary")?.focus();
});
