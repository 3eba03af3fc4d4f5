(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("analysis").textContent);
  const host = document.getElementById("timeline");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const card = (index) => document.getElementById(`event-${index + 1}`);

  function mark(index) {
    for (const one of document.querySelectorAll(".chosen")) one.classList.remove("chosen");
    card(index).classList.add("chosen");
  }

  function toCard(index) {
    mark(index);
    card(index).focus({ preventScroll: true });
    card(index).scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  }

  const line = microexprTimeline(host, data, { onSelect: toCard });
  for (const button of document.querySelectorAll(".back")) {
    button.addEventListener("click", () => {
      const index = Number(button.dataset.event);
      mark(index);
      line.select(index);
      host.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "center" });
      host.querySelectorAll(".tl-event")[index].focus({ preventScroll: true });
    });
  }
})();
