// Figures of an open page follow the lake: when a table that the page shows came out otherwise, the page is fetched anew, and what
// differs in it is put in place, figure by figure, so that scroll, focus and open details stay as they are.

const status = document.getElementById("live");
const tableOf = (figure: Element): string => (figure.getAttribute("data-figure") ?? "").replace(/\.[^./]*(\/.*)?$/, "");
const figures = (root: ParentNode): HTMLElement[] => [...root.querySelectorAll<HTMLElement>("[data-figure]")];

function exchange(fresh: Document, remount: (element: HTMLElement) => void): number {
  const here = document.querySelector("main");
  const there = fresh.querySelector("main");
  if (!here || !there) return 0;
  const old = figures(here);
  const now = figures(there);
  if (old.length !== now.length || old.some((each, at) => each.dataset.figure !== now[at]?.dataset.figure)) {
    if (here.contains(document.activeElement)) return -1; // somebody is at work in it
    here.replaceChildren(...there.childNodes);
    here.querySelectorAll<HTMLElement>("[data-island]").forEach(remount);
    return now.length;
  }
  let count = 0;
  old.forEach((each, at) => {
    const its = now[at];
    if (!its || each.innerHTML === its.innerHTML) return;
    its.classList.add("fresh");
    const focused = each === document.activeElement;
    each.replaceWith(its);
    if (focused) its.focus();
    count += 1;
  });
  const charts = [...here.querySelectorAll<HTMLElement>("[data-island]")];
  there.querySelectorAll<HTMLElement>("[data-island]").forEach((each, at) => {
    const drawn = charts[at];
    const text = (island: Element) => island.querySelector('script[type="application/json"]')?.textContent;
    if (!drawn || text(drawn) === text(each)) return;
    drawn.replaceWith(each);
    remount(each);
  });
  return count;
}

export function follow(remount: (element: HTMLElement) => void): void {
  const since = document.body.dataset.live;
  if (!since || !document.querySelector("main [data-figure]") || /[@]\d+$/.test(decodeURI(location.pathname))) return;
  const source = new EventSource(`/live/?since=${since}`);
  let busy = false;
  let again = false;
  source.addEventListener("changed", async (event) => {
    const changed = new Set<string>(JSON.parse(event.data));
    if (!figures(document).some((each) => changed.has(tableOf(each)))) return;
    again = true;
    if (busy) return;
    busy = true;
    try {
      while (again) {
        again = false;
        const answer = await fetch(location.href);
        if (!answer.ok || answer.redirected) continue;
        const count = exchange(new DOMParser().parseFromString(await answer.text(), "text/html"), remount);
        if (count > 0 && status) status.textContent = `${status.dataset.word}${count}`;
      }
    } finally {
      busy = false;
    }
  });
  addEventListener("pagehide", () => source.close());
}
