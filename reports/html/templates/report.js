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

  /** "0-3 7", or samples with their queries, "0-3,7:12": whether it holds a sample. */
  const heldIn = (list, sample) => {
    for (const one of list.textContent.split(" ")) {
      const [spans, queries] = one.split(":");
      for (const span of spans.split(",")) {
        const [from, to = from] = span.split("-").map(Number);
        if (from <= sample && sample <= to) return { queries };
      }
    }
  };

  /** What a letter says, with the steps 1, 2, 5, 10, ... of queries from A on. */
  const fateOf = (letter) => {
    if (letter === ".") return "robust";
    if (letter === "w") return "wrong without it";
    if (letter === "n") return "not asked";
    if (letter === "X") return "broken";
    const step = letter.charCodeAt(0) - 65;
    return `broken within ${[1, 2, 5][step % 3] * 10 ** Math.floor(step / 3)} queries`;
  };

  /** What the page of a cell says of a sample. */
  const fateIn = (page, sample) => {
    const letters = page.querySelector("pre");
    if (letters) {
      const line = letters.textContent.split("\n")[Math.floor(sample / 20)];
      const [, ...tens] = line.split(" ");
      return fateOf(tens.join("")[sample % 20]);
    }
    const listed = (name) => {
      const list = page.querySelector(`code.${name}`);
      return list && heldIn(list, sample);
    };
    if (listed("wrong")) return "wrong without it";
    if (listed("absent")) return "not asked";
    const broken = listed("broken");
    if (!broken) return "robust";
    return broken.queries ? `broken after ${broken.queries} queries` : "broken";
  };

  const made = (name, ...children) => {
    const element = document.createElement(name);
    element.append(...children);
    return element;
  };

  const tableOf = (caption, heads, rows) => {
    const row = (texts) => made("tr", ...texts.map((text) => made("td", text)));
    const head = made("tr");
    for (const text of heads) {
      const cell = made("th", text);
      cell.scope = "col";
      head.append(cell);
    }
    return made(
      "table",
      made("caption", caption),
      made("thead", head),
      made("tbody", ...rows.map(row)),
    );
  };

  const cellRows = [...document.querySelectorAll("table.cells > tbody > tr")];

  /** What became of a sample in every cell, above the table that has its row. */
  const showSample = (row) => {
    document.getElementById("sample-view")?.remove();
    const number = Number(row.cells[0].textContent);
    const samples = row.id.slice(0, row.id.lastIndexOf("-"));
    const rows = cellRows.flatMap((cell) => {
      const link = cell.querySelector("a");
      const page = document.getElementById(link.hash.slice(1));
      if (!page.closest(`[data-samples="${samples}"]`)) return [];
      const fate = made("a", fateIn(page, number));
      fate.href = link.hash;
      const texts = [...cell.cells].slice(0, 4).map((c) => c.textContent);
      return [[...texts, fate]];
    });
    const table = tableOf(
      `Sample ${number}: what became of it in ${rows.length} cells`,
      ["Candidate", "Defence", "Attack", "Budget", "Outcome"],
      rows,
    );
    const scroll = made("div", table);
    scroll.className = "scroll";
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "group");
    scroll.setAttribute("aria-label", `Sample ${number}`);
    const pictures = [
      ...document.querySelectorAll(`.example[data-sample="${row.id}"]`),
    ].map((one) => one.cloneNode(true));
    for (const one of pictures) {
      one.removeAttribute("id");
      one.prepend(made("p", made("code", one.dataset.cell)));
    }
    const gallery = made("div", ...pictures);
    gallery.className = "gallery";
    const heading = made("h4", `Sample ${number}`);
    heading.tabIndex = -1;
    const view = made("div", heading, gallery, scroll);
    view.id = "sample-view";
    const below = row.closest(".scroll");
    const filter = below.previousElementSibling;
    (filter?.className === "filter" ? filter : below).before(view);
    addSorting(table);
    addFilter(table);
    view.scrollIntoView();
    heading.focus({ preventScroll: true });
  };

  /** Browsers open what a link leads into, but not all of them. */
  const openTarget = () => {
    const target = document.getElementById(
      decodeURIComponent(location.hash.slice(1)),
    );
    if (!target) return;
    for (let at = target; at; at = at.parentElement)
      if (at.localName === "details") at.open = true;
    if (target.closest("table.samples")) showSample(target);
    else target.scrollIntoView();
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    addSorting(table);
    addFilter(table);
  }
  addEventListener("hashchange", openTarget);
  // A second press on the same number changes no hash.
  addEventListener("click", ({ target }) => {
    const row = target.closest?.("table.samples a")?.closest("tr");
    if (row && location.hash === `#${row.id}`) showSample(row);
  });
  openTarget();
})();
