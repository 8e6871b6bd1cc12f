// Tables and charts are made when they come near what the reader sees, so that a large page opens at once.
const makers = new Map([
  ["table[data-rows]", makeTable],
  ["[data-chart]", drawChart],
]);

const coming = new IntersectionObserver(
  (entries) => {
    for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
      coming.unobserve(target);
      const make = [...makers].find(([kind]) => target.matches(kind))[1];
      make(target).catch((fault) => {
        target.insertAdjacentHTML("afterend", "<p class='fault'></p>");
        target.nextElementSibling.textContent = `This cannot be shown here (${fault.message}): the files beside it can.`;
      });
    }
  },
  { rootMargin: "800px" },
);
for (const kind of makers.keys()) document.querySelectorAll(kind).forEach((target) => coming.observe(target));
