// activation-gallery: tables that can be sorted by their headings. Without it they are plain tables.
//
// Needs: nothing.
// Offers: nothing.
"use strict";

(() => {
  /** @param {HTMLTableElement} table with a head and one body */
  function makeSortable(table) {
    const body = table.tBodies[0];
    const head = /** @type {HTMLTableSectionElement} */ (table.tHead);
    const headings = [...head.rows[0].querySelectorAll("th")];

    /**
     * @param {HTMLTableRowElement} row
     * @param {number} column
     * @returns {number | string} a number where the cell has one
     */
    function readCell(row, column) {
      const cell = row.cells[column];
      const number = Number(cell.dataset.value ?? cell.textContent);
      return Number.isNaN(number) ? (cell.textContent ?? "") : number;
    }

    /**
     * @param {number | string} one
     * @param {number | string} other
     * @returns {number} below zero where one comes first
     */
    function compare(one, other) {
      if (typeof one === "number" && typeof other === "number") return one - other;
      return String(one).localeCompare(String(other), undefined, { numeric: true });
    }

    /**
     * Numbers begin with the largest, texts and the first column with the smallest.
     * @param {HTMLTableCellElement} heading
     */
    function sort(heading) {
      const column = heading.cellIndex;
      const sorted = heading.getAttribute("aria-sort");
      let order = column < 2 ? "ascending" : "descending";
      if (sorted) order = sorted === "ascending" ? "descending" : "ascending";
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...body.rows];
      rows.sort((a, b) => sign * compare(readCell(a, column), readCell(b, column)));
      body.append(...rows);
      for (const each of headings) each.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", order);
    }

    for (const heading of headings) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "ag-sort";
      button.textContent = heading.textContent;
      button.addEventListener("click", () => sort(heading));
      heading.replaceChildren(button);
    }
    headings[0].setAttribute("aria-sort", "ascending");
  }

  /** @type {NodeListOf<HTMLTableElement>} */
  const tables = document.querySelectorAll(".ag-sortable");
  tables.forEach(makeSortable);
})();
