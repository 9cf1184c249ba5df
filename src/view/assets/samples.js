// Shows a long table through a window: the rows around what is seen stand in it, and
// space as high as the others. Rows come from the server as parts of the page.
const view = document.getElementById("samples");
const table = view.querySelector("table");
const { rows: address, count, from, page } = view.dataset;
const [COUNT, FROM, PAGE] = [count, from, page].map(Number);

/** Rows of which a browser can show the height. */
const MOST = 200_000;

/** Pages that are kept, of those that were seen. */
const KEPT = 40;

const [above, below] = [0, 1].map(space);
const pages = new Map();
let height = 0;
let isAsking = false;

function space() {
  const body = document.createElement("tbody");
  body.ariaHidden = "true";
  const row = body.insertRow();
  row.className = "space";
  row.insertCell();
  return body;
}

const setHeight = (body, rows) => {
  body.rows[0].cells[0].style.height = `${rows * height}px`;
};

const lengthOf = (page) => Math.min(PAGE, COUNT - page * PAGE);

/** The pages around what is seen, which is one at least. */
function wanted() {
  const last = Math.ceil(COUNT / PAGE) - 1;
  const first = Math.floor(view.scrollTop / height / PAGE);
  const end = Math.floor((view.scrollTop + view.clientHeight) / height / PAGE);
  const list = [];
  for (let k = Math.max(0, first - 1); k <= Math.min(last, end + 1); k++)
    list.push(k);
  return list;
}

/** Puts those pages into the table that are there, without a gap between them. */
function show() {
  const list = wanted();
  const middle = Math.floor(view.scrollTop / height / PAGE);
  let [first, end] = [middle, middle];
  while (list.includes(first - 1) && pages.has(first - 1)) first--;
  while (list.includes(end + 1) && pages.has(end + 1)) end++;
  if (pages.has(middle)) {
    const shown = [];
    for (let k = first; k <= end; k++) shown.push(pages.get(k));
    const isHeld = view.contains(document.activeElement);
    for (const body of [...table.tBodies])
      if (body !== above && body !== below && !shown.includes(body))
        body.remove();
    for (const body of shown) table.insertBefore(body, below);
    setHeight(above, first * PAGE);
    setHeight(below, Math.max(0, COUNT - (end + 1) * PAGE));
    // What had the focus may be gone.
    if (isHeld && !view.contains(document.activeElement))
      view.focus({ preventScroll: true });
  }
  ask(list.find((k) => !pages.has(k)));
}

/** Asks for a page, one at a time: what was passed by meanwhile is never asked for. */
async function ask(page) {
  if (page === undefined || isAsking) return;
  isAsking = true;
  try {
    const answer = await fetch(
      `${address}&from=${page * PAGE}&count=${lengthOf(page)}`,
    );
    if (!answer.ok) throw new Error(String(answer.status));
    const body = document.createElement("tbody");
    body.innerHTML = await answer.text();
    pages.set(page, body);
    for (const old of [...pages.keys()].slice(0, -KEPT))
      if (!table.contains(pages.get(old))) pages.delete(old);
  } catch {
    document.getElementById("place").textContent =
      "The server of this page does not answer.";
    return;
  } finally {
    isAsking = false;
  }
  show();
}

/** The row that is seen first, in words, once scrolling has come to rest. */
function tell() {
  const first = Math.floor(view.scrollTop / height) + 1;
  const end = Math.min(
    COUNT,
    first + Math.floor(view.clientHeight / height) - 1,
  );
  document.getElementById("place").textContent =
    `${first} to ${end} of ${COUNT}`;
}

function begin() {
  const [body] = table.tBodies;
  if (body.rows.length === 0 || COUNT > MOST) return;
  height = body.rows[0].getBoundingClientRect().height;
  document.getElementById("pager").hidden = true;
  table.insertBefore(above, body);
  table.append(below);
  if (FROM === 0) pages.set(0, body);
  else body.remove();
  setHeight(below, COUNT - (FROM === 0 ? body.rows.length : 0));
  view.scrollTop = FROM * height;
  let resting;
  view.addEventListener("scroll", () => {
    requestAnimationFrame(show);
    clearTimeout(resting);
    resting = setTimeout(tell, 400);
  });
  show();
  tell();
}

begin();
