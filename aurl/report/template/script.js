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
      const text = (row) => row.cells[column].textContent.trim();
      const numbers = head.classList.contains("number");
      const compare = (a, b) => {
        if (!text(a) || !text(b)) return Number(!text(a)) - Number(!text(b));
        if (numbers) return sign * (Number(a.cells[column].dataset.value) - Number(b.cells[column].dataset.value));
        return sign * text(a).localeCompare(text(b));
      };
      rows = [...original].sort(compare);
    }
    body.append(...rows);
    const name = head.textContent.trim();
    announce(order === null ? "In the paper's order" : `Sorted by ${name}, ${order}`);
  }));
}

// Copying; where the browser forbids it the text is shown, selected.
for (const button of document.querySelectorAll(".copy")) {
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

// A link into a closed entry opens it.
function reveal() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let parent = target.parentElement; parent; parent = parent.parentElement) {
    if (parent.tagName === "DETAILS") parent.open = true;
  }
  target.scrollIntoView();
}
addEventListener("hashchange", reveal);
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest("a[href^='#']");
  if (link && link.hash === location.hash) reveal();
});
reveal();

// Parameters and broken files print with the page.
const closed = [...document.querySelectorAll("#making details")];
let opened = [];
addEventListener("beforeprint", () => {
  opened = closed.filter((details) => !details.open);
  opened.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));
