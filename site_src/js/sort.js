// activation-gallery: tables that can be sorted by their headings. Without it they are plain tables.

function makeSortable(table) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].querySelectorAll("th")];

  function value(row, column) {
    const cell = row.cells[column];
    const number = Number(cell.dataset.value ?? cell.textContent);
    return Number.isNaN(number) ? cell.textContent : number;
  }

  function compare(one, other) {
    if (typeof one === "number" && typeof other === "number") return one - other;
    return String(one).localeCompare(String(other), undefined, { numeric: true });
  }

  // Numbers begin with the largest, texts and the first column with the smallest.
  function sort(heading) {
    const column = heading.cellIndex;
    const first = column < 2 ? "ascending" : "descending";
    const turned = { ascending: "descending", descending: "ascending" };
    const order = turned[heading.getAttribute("aria-sort")] ?? first;
    const sign = order === "ascending" ? 1 : -1;
    const rows = [...body.rows];
    rows.sort((a, b) => sign * compare(value(a, column), value(b, column)));
    body.append(...rows);
    for (const each of headings) each.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
  }

  headings.forEach((heading) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "ag-sort";
    button.textContent = heading.textContent;
    button.addEventListener("click", () => sort(heading));
    heading.replaceChildren(button);
  });
  headings[0].setAttribute("aria-sort", "ascending");
}

document.querySelectorAll(".ag-sortable").forEach(makeSortable);
