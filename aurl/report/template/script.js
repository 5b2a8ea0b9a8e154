"use strict";
const announcement = document.getElementById("announcement");
let timer;
function announce(text) {
  announcement.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => { announcement.textContent = ""; }, 4000);
}

// Sorting: ascending, descending, then the order in which the page came. Empty cells stay last.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const before = head.getAttribute("aria-sort");
    const order = before === null ? "ascending" : before === "ascending" ? "descending" : null;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    let rows = original;
    if (order !== null) {
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const numbers = head.classList.contains("number");
      const text = (row) => numbers ? row.cells[column].dataset.value || "" : row.cells[column].textContent.trim();
      const compare = (a, b) => {
        if (!text(a) || !text(b)) return Number(!text(a)) - Number(!text(b));
        return sign * (numbers ? Number(text(a)) - Number(text(b)) : text(a).localeCompare(text(b)));
      };
      rows = [...original].sort(compare);
    }
    body.append(...rows);
    const name = head.textContent.trim();
    announce(order === null ? "In the paper's order" : `Sorted by ${name}, ${order}`);
  }));
}

// Copying; where the browser forbids it the text is shown, selected.
for (const button of document.querySelectorAll(".copy[data-copies]")) {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(source.value);
      announce(`${button.textContent.replace("Copy ", "")} copied`);
    } catch {
      source.hidden = false;
      source.focus();
      source.select();
      announce("Press Ctrl+C to copy the selected text");
    }
  });
}

// Digests are shown by their first characters, and in full on demand.
const whole = document.getElementById("whole");
if (whole) {
  whole.addEventListener("click", () => {
    const shown = document.body.classList.toggle("whole");
    whole.setAttribute("aria-pressed", String(shown));
  });
}

// What does not fit fades at its right edge.
const regions = [...document.querySelectorAll(".scroll")];
function fade(region) {
  region.classList.toggle("more", region.scrollLeft + region.clientWidth + 2 < region.scrollWidth);
}
const resized = new ResizeObserver((entries) => entries.forEach((entry) => fade(entry.target)));
for (const region of regions) {
  resized.observe(region);
  region.addEventListener("scroll", () => fade(region), { passive: true });
}

// The contents mark the part that is read, and keep it in view.
const contents = document.querySelector("nav");
const links = [...contents.querySelectorAll("a")];
const parts = links.map((link) => document.getElementById(link.hash.slice(1)));
let marked = null;
function follow() {
  let last = 0;
  parts.forEach((part, number) => { if (part && part.getBoundingClientRect().top < innerHeight / 3) last = number; });
  if (innerHeight + scrollY >= document.documentElement.scrollHeight - 2) last = links.length - 1;
  if (links[last] === marked) return;
  if (marked) marked.removeAttribute("aria-current");
  marked = links[last];
  marked.setAttribute("aria-current", "location");
  for (const top of contents.querySelectorAll("nav > ul > li")) top.classList.toggle("open", top.contains(marked));
  const box = marked.getBoundingClientRect(), frame = contents.getBoundingClientRect();
  if (box.bottom > frame.bottom || box.top < frame.top) contents.scrollTop += box.top - frame.top - frame.height / 3;
}
let waiting = false;
addEventListener("scroll", () => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; follow(); });
}, { passive: true });
follow();

// A link into a closed entry opens it.
function reveal() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let part = target; part; part = part.parentElement) {
    if (part.tagName === "DETAILS") part.open = true;
  }
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest("a[href^='#']");
  if (link && link.getAttribute("href") === location.hash) reveal();
});
reveal();

// Folded tables and broken files print with the page.
const closed = [...document.querySelectorAll("#tables details, #statistics details, #making details")];
let opened = [];
addEventListener("beforeprint", () => {
  opened = closed.filter((details) => !details.open);
  opened.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));
