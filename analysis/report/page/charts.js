// Charts, drawn by Vega on canvas in the page's colours, and drawn again when these change.
const drawn = new Map();
const PANEL = 320, AXIS = 100; // what a panel takes beside others, and what its axis takes of that, in pixels

function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function chartLook() {
  const [ink, quiet, rule] = ["ink", "quiet", "rule"].map(colour);
  const [family, size] = [getComputedStyle(document.body).fontFamily, 13];
  const words = { labelColor: quiet, titleColor: ink, labelFontSize: size, titleFontSize: size, titleFontWeight: "normal" };
  const axis = { ...words, domainColor: rule, tickColor: rule, gridColor: rule };
  return {
    background: null,
    font: family,
    axis,
    legend: words,
    header: words,
    text: { color: ink, fontSize: size },
    title: { color: ink, subtitleColor: quiet, fontSize: size, subtitleFontSize: size },
    view: { stroke: null },
  };
}

// The page's look over a spec's own config, which is that of its files.
const over = (below, above) =>
  Object.fromEntries(
    Object.entries({ ...below, ...above }).map(([key, value]) => [
      key,
      value && typeof value === "object" ? { ...below[key], ...value } : value,
    ]),
  );

function namesIn(part, found = new Set()) {
  if (part && typeof part === "object") {
    if (typeof part.data?.name === "string") found.add(part.data.name);
    for (const inner of Object.values(part)) namesIn(inner, found);
  }
  return found;
}

// The params of a spec, at what the reader has chosen in the chart that is drawn again.
function chosen(params = [], embedded) {
  if (!embedded) return params;
  return params.map((each) => (each.bind?.input ? { ...each, value: embedded.view.signal(each.name) } : each));
}

// A spec no wider than its place, as far as its panels can be narrower or stand below one another.
function fitted(spec, room) {
  const narrow = (part) => (typeof part.width === "number" ? { ...part, width: Math.min(part.width, room - AXIS) } : part);
  if (!spec.spec) return narrow(spec);
  return { ...spec, spec: narrow(spec.spec), columns: Math.min(spec.columns ?? 1, Math.max(1, Math.floor(room / PANEL))) };
}

async function drawChart(place) {
  const [, { specs, datasets }] = await Promise.all([library("vega"), unpacked("charts", JSON.parse)]);
  const { config = {}, ...spec } = specs[place.dataset.chart];
  const named = [...namesIn(spec)].filter((name) => name in datasets);
  const before = drawn.get(place);
  const look = {
    renderer: "canvas",
    actions: false,
    logLevel: 1, // errors alone
    config: over(config, chartLook()),
    tooltip: { theme: isDark() ? "dark" : "light" },
  };
  const params = chosen(spec.params, before);
  const whole = { ...fitted(spec, place.clientWidth), params, datasets: Object.fromEntries(named.map((name) => [name, datasets[name]])) };
  drawn.set(place, await window.vegaEmbed(place, whole, look));
  before?.finalize();
}

onTheme.push(() => {
  for (const place of drawn.keys()) drawChart(place);
});
