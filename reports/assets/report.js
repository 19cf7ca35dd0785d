"use strict";
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  const say = (text) => {
    const toast = one(".toast");
    toast.textContent = text;
    setTimeout(() => { toast.textContent = ""; }, 2500);
  };

  one("[data-theme]").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // The same variant lights up in every table and plot.
  const light = (name, on) => all("[data-v]").filter((e) => e.dataset.v === name).forEach((e) => e.classList.toggle("hit", on));
  let kept = "";
  document.addEventListener("click", (event) => {
    const mark = event.target.closest(".tip[data-v], tbody tr[data-v]");
    if (!mark || event.target.closest("a, button, summary")) return;
    if (kept) light(kept, false);
    kept = kept === mark.dataset.v ? "" : mark.dataset.v;
    if (kept) light(kept, true);
  });

  const table = one("#numbers");
  if (!table) return copyButtons();
  const body = table.tBodies[0];
  const heads = all("thead th", table);
  const rows = all("tr", body);
  const keys = heads.map((head) => head.dataset.k);
  const raw = (row, column) => row.cells[column].dataset.s;

  // Sorting: baselines stay on top, empty cells go last in either direction.
  const compare = (column, direction) => (a, b) => {
    const fixed = Number("base" in b.dataset) - Number("base" in a.dataset);
    if (fixed) return fixed;
    const [x, y] = [raw(a, column), raw(b, column)];
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined);
    const numeric = Number(x) - Number(y);
    return direction * (Number.isNaN(numeric) ? x.localeCompare(y) : numeric);
  };
  const sort = (head, column) => {
    const now = head.getAttribute("aria-sort");
    const next = now === "ascending" ? "descending" : now === "descending" ? "none" : "ascending";
    heads.forEach((h) => h.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", next);
    const order = next === "none" ? rows : [...rows].sort(compare(column, next === "ascending" ? 1 : -1));
    body.append(...order);
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    head.addEventListener("click", () => sort(head, column));
  });

  // Filtering: words and conditions, all of which must hold; baselines are always shown.
  const tests = {
    ">": (a, b) => a > b, "<": (a, b) => a < b, ">=": (a, b) => a >= b, "<=": (a, b) => a <= b, "=": (a, b) => a === b,
  };
  const term = (text) => {
    const condition = /^([^<>=]+)(>=|<=|>|<|=)(-?[\d.]+)$/.exec(text);
    const column = condition ? keys.indexOf(condition[1]) : -1;
    if (column < 0) return (row) => row.dataset.t.includes(text);
    return (row) => raw(row, column) !== undefined && tests[condition[2]](Number(raw(row, column)), Number(condition[3]));
  };
  const filter = one("#filter");
  const apply = () => {
    const terms = filter.value.toLowerCase().split(/\s+/).filter(Boolean).map(term);
    let count = 0;
    rows.forEach((row) => {
      const match = terms.every((test) => test(row));
      row.hidden = !match && !("base" in row.dataset);
      count += match;
    });
    one("#shown").textContent = terms.length ? `${count} of ${rows.length} match` : `${rows.length} rows`;
  };
  filter.addEventListener("input", apply);
  all("[data-select]").forEach((tile) => tile.addEventListener("click", () => { filter.value = tile.dataset.select; apply(); }));
  apply();
  copyButtons();

  function copyButtons() {
    all("[data-copy]").forEach((button) => button.addEventListener("click", () => copy(visible(button.dataset.copy))));
    all("[data-copy-text]").forEach((button) => button.addEventListener("click", () => copy(button.dataset.copyText)));
  }

  // What is filtered in and not hidden, in the order shown.
  function visible(kind) {
    const seen = (cell) => cell.offsetParent !== null;
    const text = (cell) => {
      const sub = cell.tagName === "TD" && cell.querySelector(".sub");
      const main = (cell.querySelector(".name, .say, button") || cell.firstChild).textContent.trim();
      return sub ? `${main} (${sub.textContent.trim()})` : main;
    };
    const lines = [table.tHead.rows[0], ...body.rows].filter((row) => !row.hidden).map((row) => [...row.cells].filter(seen).map(text));
    if (kind === "csv") return lines.map((line) => line.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",")).join("\n");
    lines.splice(1, 0, lines[0].map((_, i) => (i ? "---:" : "---")));
    return lines.map((line) => `| ${line.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n");
  }

  // A page opened from a file has no clipboard API in some browsers.
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say("Copied");
  }
})();
