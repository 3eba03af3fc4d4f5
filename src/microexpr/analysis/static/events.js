(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("analysis").textContent);
  const host = document.getElementById("timeline");
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const card = (index) => document.getElementById(`event-${index + 1}`);

  function mark(index) {
    for (const element of document.querySelectorAll(".selected")) element.classList.remove("selected");
    card(index).classList.add("selected");
  }

  function showCard(index) {
    mark(index);
    card(index).focus({ preventScroll: true });
    card(index).scrollIntoView({ behavior: reducedMotion ? "auto" : "smooth", block: "start" });
  }

  const timeline = microexprTimeline(host, data, { onSelect: showCard });
  for (const button of document.querySelectorAll(".show-on-timeline")) {
    button.addEventListener("click", () => {
      const index = Number(button.dataset.event);
      mark(index);
      timeline.select(index);
      host.scrollIntoView({ behavior: reducedMotion ? "auto" : "smooth", block: "center" });
      host.querySelectorAll(".tl-event")[index].focus({ preventScroll: true });
    });
  }
})();
