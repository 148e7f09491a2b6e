/* The constituents of each jet in the plane of its frame. */

const BIGGEST = 34; // diameter [px] of the constituent with the most transverse momentum

/** Discs of one jet: area by transverse momentum, colour by value. */
function jetTrace(jet, values, scale, pair, colourTitle, most, width) {
  const eta = unpack(jet.eta).values, phi = unpack(jet.phi).values, pt = unpack(jet.pt).values;
  const biggest = width < NARROW ? BIGGEST * 0.85 : BIGGEST;
  return {
    type: "scatter", mode: "markers", x: Array.from(eta), y: Array.from(phi), xaxis: pair[0], yaxis: pair[1],
    customdata: Array.from(values, (value, place) => [place + 1, number(pt[place]), number(value)]),
    hovertemplate: `constituent %{customdata[0]}<br>p<sub>T</sub> %{customdata[1]} GeV<br>${plotlyText(colourTitle)} %{customdata[2]}<extra></extra>`,
    marker: {
      size: Array.from(pt, (each) => Math.max(5, biggest * Math.sqrt(each / most))), sizemode: "diameter",
      color: Array.from(values), cmin: scale.low, cmax: scale.high, colorscale: scale.signed ? DIVERGING : SEQUENTIAL,
      line: { width: 1, color: GREY }, opacity: 0.9,
      showscale: pair[0] === "x", colorbar: scale.bar,
    },
  };
}

/** Both jets of an event, coloured by lists of values on one scale. */
function drawEvent(event, lists, title, jets, radius, width) {
  const all = lists.flatMap((values) => Array.from(values));
  const high = Math.max(1e-12, ...all.map(Math.abs)), signed = all.some((value) => value < 0);
  const far = Math.max(radius, ...event.jets.flatMap((jet) => [...unpack(jet.eta).values, ...unpack(jet.phi).values].map(Math.abs)));
  const { layout, names } = squarePanels(jets, width, [-1.12 * far, 1.12 * far], "η in the jet frame", "φ in the jet frame [rad]");
  const scale = { low: signed ? -high : 0, high, signed, bar: barOfPanels(layout, width, plotlyText(title)) };
  const most = Math.max(...event.jets.flatMap((jet) => Array.from(unpack(jet.pt).values)), 1e-6);
  layout.shapes = names.map(([x, y]) => ({
    type: "circle", xref: x, yref: y, x0: -radius, x1: radius, y0: -radius, y1: radius, line: { color: GREY, dash: "dash", width: 1 },
  }));
  return { traces: event.jets.map((jet, place) => jetTrace(jet, lists[place], scale, names[place], title, most, width)), layout };
}

function largest(event, lists, title, jets, kinematics) {
  const all = event.jets.flatMap((jet, number_) => Array.from(lists[number_], (value, place) => ({ jet, number_, place, value })));
  if (kinematics) all.push(...kinematics);
  all.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return {
    caption: `${kinematics ? "Inputs" : "Constituents"} with the largest ${title}`,
    columns: ["where", "which", "pT [GeV]", "η", "φ", title],
    rows: all.slice(0, 15).map(({ jet, number_, place, value, token, column }) => (jet ? [
      jets[number_], String(place + 1), number(jet.pt.values[place]), number(jet.eta.values[place]), number(jet.phi.values[place]),
      number(value),
    ] : [`kinematics: ${token}`, column, "", "", "", number(value)])),
  };
}

drawers.eventDisplay = {
  allowed(data, choice) {
    const block = choice.colour.startsWith("attention:") ? choice.colour.slice(10) : null;
    const events = this.eventsOf(choice.process), event = events[Number(choice.event)];
    return {
      event: (value) => Number(value) < events.length,
      colour: (value) => this.has(event ?? events[0], value),
      reader: (value) => block !== null && Number(value) < this.readers(event ?? events[0], block),
      head: (value) => block !== null && (value === "mean" || Number(value) < data.heads[block]),
    };
  },

  eventsOf(process) {
    return shared("events").events.filter((event) => event.process === Number(process));
  },

  has(event, colour) {
    const [kind, name] = colour.split(":");
    if (kind === "pt") return true;
    return kind === "method" ? Boolean(event.jets[0].methods[name]) : Boolean(event.attention?.[name]);
  },

  readers(event, block) {
    return event.attention?.[block]?.shape[1] ?? 0;
  },

  values(data, event, choice) {
    const [kind, name] = choice.colour.split(":");
    if (kind === "pt") return event.jets.map((jet) => unpack(jet.pt).values);
    if (kind === "method") return event.jets.map((jet) => unpack(jet.methods[name]).values);
    const packed = event.attention[name];
    const row = at(choice.head === "mean" ? meanOf(packed) : at(packed, Number(choice.head)), Number(choice.reader)).values;
    const lists = event.jets.map((jet) => new Float32Array(jet.count));
    let first = 0;
    for (const span of spansOf(data.offsets[name], event)) {
      if (span.jet) lists[span.jet - 1] = row.subarray(first, first + span.count);
      first += span.count;
    }
    return lists;
  },

  draw(data, choice, width) {
    const event = this.eventsOf(choice.process)[Number(choice.event)];
    const title = { pt: "pT [GeV]" }[choice.colour] ?? (choice.colour.startsWith("attention:") ? "attention" : data.colours[choice.colour]);
    const lists = this.values(data, event, choice);
    const counts = event.jets.map((jet, place) => `${data.jets[place]}: ${jet.count} constituents`).join(", ");
    const zero = lists.every((values) => values.every((value) => value === 0)) ? " All values are zero." : "";
    return {
      ...drawEvent(event, lists, title, data.jets, data.radius, width),
      words: `${eventWords(event)}${counts}.${zero}`,
      rows: largest(event, lists, title, data.jets, choice.colour === "method:integrated_gradients" ? this.kinematics(data, event) : null),
    };
  },

  /** Attributions of the kinematic columns, where the event has them. */
  kinematics(data, event) {
    return event.kinematics?.flatMap((row, token) => row.map((value, column) => ({
      token: data.tokens[token] ?? `token ${token + 1}`, column: data.features[column] ?? `column ${column + 1}`, value,
    })));
  },
};
