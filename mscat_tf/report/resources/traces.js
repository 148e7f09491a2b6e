/* What all figures share: layout, colour bars, panels side by side or one below the other, texts. */

const NARROW = 560; // width [px] below which panels stand one below the other
const GREY = "#808080", SEQUENTIAL = "Viridis", DIVERGING = [[0, "#2166ac"], [0.5, "#e8e8e8"], [1, "#b35806"]];
const drawers = {}; // by name: {draw(data, choice, width) -> {traces, layout, words, rows}, allowed(data, choice)}

/** Plotly reads a few HTML elements in its texts: escape them. */
function plotlyText(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

function number(value, digits = 3) {
  if (value === null || !Number.isFinite(value)) return "none";
  const size = Math.abs(value);
  return size && (size < 1e-4 || size >= 1e5) ? value.toExponential(digits - 1) : String(Number(value.toPrecision(digits)));
}

function merged(first, second) {
  const found = { ...first };
  for (const [key, value] of Object.entries(second ?? {})) {
    const both = [found[key], value].every((each) => each && typeof each === "object" && !Array.isArray(each));
    found[key] = both ? merged(found[key], value) : value;
  }
  return found;
}

function axis(more) {
  return merged({ automargin: true, zeroline: false, linecolor: GREY, ticks: "outside", tickcolor: GREY, showline: true }, more);
}

function pageLayout(own, width) {
  const narrow = width < NARROW;
  const common = {
    width,
    height: narrow || width < 700 ? 390 : 460,
    autosize: false,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: narrow ? 12 : 14 },
    margin: { l: narrow ? 46 : 64, r: narrow ? 8 : 20, t: 12, b: 48 },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: narrow ? 11 : 13 } },
    hovermode: "closest",
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
  };
  const layout = merged(common, own);
  for (const name of Object.keys(layout)) if (/^[xy]axis\d*$/.test(name)) layout[name] = axis(layout[name]);
  layout.xaxis ??= axis({});
  layout.yaxis ??= axis({});
  return layout;
}

function colourBar(title, more = {}) {
  return merged({ title: { text: title, side: "right" }, thickness: 14, len: 1, outlinewidth: 0, tickfont: { size: 12 } }, more);
}

/** Square panels by pairs of axes: {layout, names: [["x", "y"], ...]}, beside each other where there is room. */
function squarePanels(titles, width, range, xTitle, yTitle) {
  const narrow = width < NARROW && titles.length > 1, count = titles.length, gap = 0.09;
  const side = (1 - gap * (count - 1)) / count;
  const layout = { annotations: [], margin: { t: 30, r: 8 }, showlegend: false };
  const inner = Math.min(narrow ? width : width / count, 440);
  layout.height = narrow ? count * inner + 90 : inner + 60;
  const names = titles.map((title, place) => {
    const ending = place ? String(place + 1) : "", pair = [`x${ending}`, `y${ending}`];
    const wide = [0, 1], part = [place * (side + gap), place * (side + gap) + side];
    const down = [1 - part[1], 1 - part[0]];
    layout[`xaxis${ending}`] = { domain: narrow ? wide : part, anchor: pair[1], range, title: { text: xTitle }, constrain: "domain" };
    layout[`yaxis${ending}`] = {
      domain: narrow ? down : wide, anchor: pair[0], range, scaleanchor: pair[0], constrain: "domain",
      title: { text: narrow || !place ? yTitle : "" },
    };
    layout.annotations.push({
      text: plotlyText(title), showarrow: false, xref: `${pair[0]} domain`, yref: `${pair[1]} domain`, x: 0, y: 1.02,
      xanchor: "left", yanchor: "bottom",
    });
    return pair;
  });
  return { layout, names };
}

/** Room for the colour bar of panels: below them where they are narrow. */
function barOfPanels(layout, width, title, more = {}) {
  if (width >= NARROW) {
    layout.margin.r = 90;
    return colourBar(title, more);
  }
  layout.height += 70;
  layout.margin.b = 115;
  return colourBar(title, merged({ orientation: "h", y: 0, yref: "container", yanchor: "bottom", title: { side: "top" }, len: 0.9 }, more));
}

/** A logarithmic scale: of three decades, or of two on either side of zero, with a linear piece between them. */
function logScale(top, signed) {
  if (!signed) {
    const high = Math.log10(top), tickvals = [0, -1, -2, -3].map((power) => high + power);
    const ticktext = tickvals.map((power) => number(10 ** power, 2));
    return { of: (value) => Math.log10(Math.max(value, top / 1e3)), low: high - 3, high, tickvals, ticktext, colours: SEQUENTIAL };
  }
  const of = (value) => Math.sign(value) * Math.log10(1 + (100 * Math.abs(value)) / top);
  const ticks = [-top, -top / 10, 0, top / 10, top];
  const texts = ticks.map((value) => number(value, 2));
  return { of, low: of(-top), high: of(top), tickvals: ticks.map(of), ticktext: texts, colours: DIVERGING };
}

/** Densities in the plane of each jet on one logarithmic scale. */
function drawDensities(maps, labels, plane, title, width, signed = false) {
  const { layout, names } = squarePanels(labels, width, [-plane, plane], "η in the jet frame", "φ in the jet frame [rad]");
  const top = Math.max(1e-12, ...maps.map(({ values }) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0)));
  const scale = logScale(top, signed);
  const bar = barOfPanels(layout, width, title, { tickvals: scale.tickvals, ticktext: scale.ticktext });
  const traces = maps.map(({ shape, values }, jet) => {
    const bins = shape[0], middles = Array.from({ length: bins }, (_, i) => plane * ((2 * i + 1) / bins - 1));
    const rows = Array.from({ length: bins }, (_, phi) => Array.from({ length: bins }, (_, eta) => values[eta * bins + phi]));
    return {
      type: "heatmap", x: middles, y: middles, xaxis: names[jet][0], yaxis: names[jet][1], colorscale: scale.colours,
      z: rows.map((row) => row.map(scale.of)), customdata: rows, zmin: scale.low, zmax: scale.high,
      showscale: jet === 0, colorbar: bar,
      hovertemplate: "η %{x:.2f}, φ %{y:.2f}: %{customdata:.3g}<extra></extra>",
    };
  });
  return { traces, layout };
}
