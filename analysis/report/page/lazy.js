// Tables and charts are made when they come near what the reader sees, so that a large page opens at once.
const makers = new Map([
  ["table[data-rows]", makeTable],
  ["[data-chart]", drawChart],
]);

const waiting = new Set();

function show(target) {
  if (!waiting.delete(target)) return;
  coming.unobserve(target);
  const make = [...makers].find(([kind]) => target.matches(kind))[1];
  make(target).catch((fault) => {
    target.insertAdjacentHTML("afterend", "<p class='fault'></p>");
    target.nextElementSibling.textContent = `This cannot be shown here (${fault.message}): the files beside it can.`;
  });
}

const coming = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => show(target)),
  { rootMargin: "800px" },
);
for (const kind of makers.keys())
  for (const target of document.querySelectorAll(kind)) {
    waiting.add(target);
    coming.observe(target);
  }
addEventListener("beforeprint", () => document.querySelectorAll("[data-chart]").forEach(show)); // paper shows all of a page
