import "./list.js";

// Follows a run that goes on. What comes is a part of the page, escaped by the server.
const live = document.getElementById("live");
if (live) {
  const source = new EventSource(live.dataset.from);
  source.addEventListener("message", ({ data }) => {
    live.innerHTML = data;
  });
  source.addEventListener("ended", () => {
    source.close();
    live.replaceChildren();
    const again = document.createElement("a");
    again.href = location.href;
    again.textContent = "Show what it found";
    const ended = document.getElementById("ended");
    ended.replaceChildren("Nobody works on it any more. ", again);
  });
}
