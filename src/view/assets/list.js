// Shows the rows of a table of which each word that is typed is true.
const field = document.getElementById("q");
const count = document.getElementById("count");
const rows = [...document.querySelectorAll("#rows > tr")];

function show(things) {
  const words = field.value.toLowerCase().split(/\s+/);
  let shown = 0;
  for (const row of rows) {
    row.hidden = !words.every((word) => row.dataset.words.includes(word));
    if (!row.hidden) shown++;
  }
  count.textContent =
    shown === rows.length
      ? `${shown} ${things}`
      : `${shown} of ${rows.length} ${things}`;
}

if (rows.length > 0) {
  const things = count.textContent.split(" ").at(-1);
  field.addEventListener("input", () => show(things));
}
