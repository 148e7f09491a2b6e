/* Attention maps: means of events, or one event; means of heads, or one head. */

/** Spans of an axis with the number of tokens that an event really has. */
function spansOf(spans, event) {
  return spans.map((span) => ({ ...span, count: event && span.jet ? event.jets[span.jet - 1].count : span.count }));
}

/** Name of every token of an axis. */
function tokenNames(spans) {
  return spans.flatMap((span) => {
    if (span.count === 1 && !span.jet) return [span.label];
    const one = span.jet ? "constituent" : "token";
    return Array.from({ length: span.count }, (_, place) => `${one} ${place + 1} (${span.label})`);
  });
}

/** Ticks of an axis: names of single tokens, else numbers within each span; lines between spans. */
function spanAxis(spans, total) {
  const single = spans.every((span) => span.count === 1 && !span.jet);
  const tickvals = [], ticktext = [], ends = [];
  let first = 0;
  for (const [number_, span] of spans.entries()) {
    const last = number_ === spans.length - 1 ? span.count : span.count - 4; // room for the first tick of the next span
    for (let place = 0; place < span.count; place++) {
      if (span.count === 1 || place === 0 || ((place + 1) % 10 === 0 && place < last)) {
        tickvals.push(first + place);
        ticktext.push(span.count === 1 ? plotlyText(span.label) : String(place + 1));
      }
    }
    first += span.count;
    ends.push(first - 0.5);
  }
  return { tickvals, ticktext, range: [-0.5, total - 0.5], ends: ends.slice(0, -1), single };
}

function eventsOf(process) {
  const all = shared("events");
  return all ? all.events.filter((event) => all.processes[event.process] === process) : [];
}

/** Axis titles: what the tokens are. */
function spanTitle(word, spans) {
  const single = spans.every((span) => span.count === 1 && !span.jet);
  const clouds = spans.filter((span) => span.count > 1).map((span) => span.label);
  return plotlyText(single ? word : `${word}: ${clouds.join(" | ")}`);
}

drawers.attention = {
  allowed(data, choice) {
    const block = data.blocks[choice.block], events = eventsOf(choice.process);
    const verdicts = data.groups.filter(([process]) => process === choice.process).map(([, verdict]) => verdict);
    const single = choice.event !== "mean";
    return {
      head: (value) => value === "mean" || (Number(value) < block.heads && (single || Boolean(block.per_head))),
      event: (value) => value === "mean" || Boolean(events[Number(value)]?.attention?.[choice.block]),
      verdict: (value) => verdicts.includes(value) && !single,
    };
  },

  draw(data, choice, width) {
    const block = data.blocks[choice.block];
    const event = choice.event === "mean" ? null : eventsOf(choice.process)[Number(choice.event)];
    const group = data.groups.findIndex(([process, verdict]) => process === choice.process && verdict === choice.verdict);
    const matrix = event ? this.ofEvent(event, choice) : this.ofMean(block, group, choice);
    const queries = spansOf(block.queries, event), keys = spansOf(block.keys, event);
    const names = [tokenNames(queries), tokenNames(keys)];
    const values = rowsOf(matrix).map((row, query) => (event || block.real[group][query] ? row : row.map(() => null)));
    const text = values.map((row, query) => row.map((value, key) =>
      value === null ? "" : plotlyText(`${names[0][query]} reads ${names[1][key]}`)));
    const few = values.length * (values[0]?.length ?? 0) <= 12;
    const trace = {
      type: "heatmap", z: values, text, hovertemplate: "%{text}: %{z:.3g}<extra></extra>", colorscale: "Viridis",
      zmin: matrix.values.reduce((a, b) => Math.min(a, b), 0), colorbar: colourBar("attention"), hoverongaps: false, xgap: few ? 2 : 0, ygap: few ? 2 : 0,
    };
    const layout = this.layout(queries, keys, names, width);
    if (few) layout.annotations = this.written(values);
    return { traces: [trace], layout, ...this.inWords(values, names, event, block, group) };
  },

  ofMean(block, group, choice) {
    return choice.head === "mean" || !block.per_head ? at(block.mean, group) : at(block.per_head, group, Number(choice.head));
  },

  ofEvent(event, choice) {
    const packed = event.attention[choice.block];
    return choice.head === "mean" ? meanOf(packed) : at(packed, Number(choice.head));
  },

  layout(queries, keys, names, width) {
    const across = spanAxis(keys, names[1].length), down = spanAxis(queries, names[0].length);
    const line = { color: "#ffffff", width: 1.5 };
    const shapes = [
      ...across.ends.map((x) => ({ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line })),
      ...down.ends.filter(() => !down.single).map((y) => ({ type: "line", y0: y, y1: y, xref: "paper", x0: 0, x1: 1, line })),
    ];
    const square = names[0].length === names[1].length;
    const height = square ? Math.min(width - 40, 560) : 260;
    return {
      height: Math.max(260, height), shapes, margin: { r: 70 }, plot_bgcolor: "rgba(128,128,128,0.25)",
      xaxis: { tickangle: keys.every((span) => span.count > 1) ? 0 : "auto", title: { text: spanTitle("key", keys) }, tickvals: across.tickvals, ticktext: across.ticktext, range: across.range },
      yaxis: {
        title: { text: spanTitle("query", queries) }, tickvals: down.tickvals, ticktext: down.ticktext,
        range: [down.range[1], down.range[0]],
      },
    };
  },

  written(values) {
    const most = Math.max(...values.flat());
    return values.flatMap((row, y) => row.map((value, x) => ({
      x, y, text: value === null ? "" : value.toFixed(2), showarrow: false,
      bgcolor: "rgba(20,23,27,0.75)", font: { color: "#ffffff" }, name: most ? "" : "zero",
    })));
  },

  inWords(values, names, event, block, group) {
    const pairs = values.flatMap((row, query) => row.map((value, key) => ({ value, query, key })))
      .filter(({ value }) => value !== null).sort((a, b) => b.value - a.value).slice(0, 12);
    const real = event ? "" : ` Rows rest on up to ${Math.max(...block.real[group])} events.`;
    const top = pairs.slice(0, 1).map(({ value, query, key }) => `${names[0][query]} reads ${names[1][key]} most: ${number(value)}.`);
    const who = event ? eventWords(event) : "";
    return {
      words: `${who}${top.join("") || "No event is in this group."}${real}`,
      rows: {
        caption: "Largest scores", columns: ["query", "key", "attention"],
        rows: pairs.map(({ value, query, key }) => [names[0][query], names[1][key], number(value)]),
      },
    };
  },
};

function eventWords(event) {
  const score = 1 / (1 + Math.exp(-event.logit));
  return `Row ${event.row} of the sample, score ${number(score)} (logit ${number(event.logit)}). `;
}
