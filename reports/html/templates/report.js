// Sorts and filters the tables of class "sortable", and opens what a link leads to. The
// report is whole without it: it adds controls, and nothing that can be read.
(() => {
  const firstText = (cell) => {
    if (cell.dataset.sort !== undefined) return cell.dataset.sort;
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode.data.trim();
      if (text) return text;
    }
    return "";
  };
  const numberIn = (text) => {
    const found = /^[−+-]?[\d,]*\.?\d+(e[+-]?\d+)?/i.exec(text);
    return found
      ? Number(found[0].replaceAll(",", "").replace("−", "-"))
      : Number.NaN;
  };

  /** Values of a column: numbers where it has some, and no text that has a digit. */
  const valuesOf = (rows, column) => {
    const texts = rows.map((row) => firstText(row.cells[column]));
    const numbers = texts.map(numberIn);
    const numeric =
      numbers.some((v) => !Number.isNaN(v)) &&
      texts.every((t, i) => !Number.isNaN(numbers[i]) || !/\d/.test(t));
    return numeric ? numbers : texts;
  };
  const inOrder = (a, b) =>
    typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;

  /** Rows in the order of a column; what is no number comes last either way. */
  const sorted = (rows, column, direction) => {
    const values = valuesOf(rows, column);
    return rows
      .map((row, i) => ({ row, value: values[i] }))
      .sort((a, b) => {
        const last = Number.isNaN(a.value) - Number.isNaN(b.value);
        return last || direction * inOrder(a.value, b.value);
      })
      .map(({ row }) => row);
  };

  const addSorting = (table) => {
    const body = table.tBodies[0];
    const asWritten = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    for (const [column, head] of heads.entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const was = head.getAttribute("aria-sort");
        for (const other of heads) other.removeAttribute("aria-sort");
        // Up, down, and as it was written.
        const is =
          was === null ? "ascending" : was === "ascending" && "descending";
        if (is) head.setAttribute("aria-sort", is);
        const direction = is === "descending" ? -1 : 1;
        body.append(...(is ? sorted(asWritten, column, direction) : asWritten));
      });
    }
  };

  /** Fewer rows than this are seen at once. */
  const FEW = 8;

  const addFilter = (table) => {
    const rows = [...table.tBodies[0].rows];
    if (rows.length <= FEW) return;
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("output");
    input.type = "search";
    input.placeholder = "words that a row has; !word: has not";
    label.append("Filter ", input);
    const line = document.createElement("p");
    line.className = "filter";
    line.append(label, " ", count);
    (table.closest(".scroll") ?? table).before(line);
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const apply = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const [i, row] of rows.entries()) {
        const fits = words.every((word) =>
          word.length > 1 && word.startsWith("!")
            ? !texts[i].includes(word.slice(1))
            : texts[i].includes(word),
        );
        row.hidden = !fits;
        if (fits) shown++;
      }
      count.value = `${shown} of ${rows.length} rows`;
    };
    input.addEventListener("input", apply);
    apply();
  };

  /** Browsers open what a link leads into, but not all of them. */
  const openTarget = () => {
    const target = document.getElementById(
      decodeURIComponent(location.hash.slice(1)),
    );
    if (!target) return;
    for (let at = target; at; at = at.parentElement)
      if (at.localName === "details") at.open = true;
    target.scrollIntoView();
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    addSorting(table);
    addFilter(table);
  }
  addEventListener("hashchange", openTarget);
  openTarget();
})();
