/* Where attention goes: drawn in the plane of the jet frame, or against rank or distance. */

function groupOf(data, process, verdict) {
  return data.groups.findIndex(([ofProcess, ofVerdict]) => ofProcess === process && ofVerdict === verdict);
}

drawers.attentionPlane = {
  allowed(data, choice) {
    const { readers } = data.blocks[choice.block];
    return {
      reader: (value) => readers.includes(value),
      verdict: (value) => groupOf(data, choice.process, value) >= 0,
    };
  },

  draw(data, choice, width) {
    const block = data.blocks[choice.block], reader = block.readers.indexOf(choice.reader);
    const group = groupOf(data, choice.process, choice.verdict), jets = Object.keys(block.maps);
    const maps = jets.map((jet) => at(block.maps[jet], group, reader));
    const labels = jets.map((jet) => data.jets[Number(jet) - 1]);
    const drawn = drawDensities(maps, labels, data.plane, "attention per unit area [1/rad]", width);
    const cell = (2 * data.plane / maps[0].shape[0]) ** 2;
    const shares = maps.map(({ values }) => number(values.reduce((a, b) => a + b, 0) * cell));
    const where = labels.map((label, place) => `${shares[place]} to the ${label}`).join(", ");
    return { ...drawn, words: `Share of the attention of ${choice.reader}: ${where}.` };
  },
};

drawers.attentionCurves = {
  allowed(data, choice) {
    const blocks = data.sources[choice.kind], source = blocks[choice.block];
    return {
      block: (value) => value in blocks,
      reader: (value) => !source || source.readers.includes(value),
      jet: (value) => !source || value in source.jets,
      verdict: (value) => data.groups.some(([, verdict]) => verdict === value),
    };
  },

  draw(data, choice, width) {
    const source = data.sources[choice.kind][choice.block], reader = source.readers.indexOf(choice.reader);
    const curves = source.jets[choice.jet], edges = choice.kind === "truth" ? data.edges : null;
    const lines = data.processes.map((process, place) => {
      const group = groupOf(data, process, choice.verdict);
      const of = (key) => {
        if (!curves[key]) return null;
        const rows = at(curves[key], group);
        return at(rows, rows.shape[0] === 1 ? 0 : reader).values;
      };
      return { process, colour: data.colours[place], dash: place, value: of("value"), error: of("error"), pt: of("pt"), even: of("even") };
    });
    const x = Array.from(lines[0].value, (_, place) => (edges ? (edges[place] + edges[place + 1]) / 2 : place + 1));
    const traces = lines.flatMap((line) => this.traces(line, x));
    const layout = {
      xaxis: { title: { text: edges ? "distance to the nearest b hadron ΔR" : "rank in transverse momentum" } },
      yaxis: { title: { text: edges ? "share of the attention to the jet" : "attention" }, rangemode: "tozero" },
      hovermode: "x unified",
    };
    return { traces, layout, ...this.inWords(lines, x, choice) };
  },

  traces(line, x) {
    const clean = (values) => Array.from(values, (value) => (Number.isFinite(value) ? value : null));
    const symbols = ["circle", "square", "diamond", "cross", "triangle-up", "x"];
    const own = {
      type: "scatter", mode: "lines+markers", name: plotlyText(line.process), x, y: clean(line.value), line: { color: line.colour, width: 2 },
      marker: { size: 5, symbol: symbols[line.dash % symbols.length] },
      error_y: line.error ? { type: "data", array: clean(line.error), color: line.colour, thickness: 1, width: 0 } : undefined,
    };
    const rest = [["pt", "like pT", "dash"], ["even", "evenly", "dot"]].filter(([key]) => line[key]).map(([key, words, dash]) => ({
      type: "scatter", mode: "lines", name: `${plotlyText(line.process)}: ${words}`, x, y: clean(line[key]), showlegend: false,
      line: { color: line.colour, width: 1, dash },
    }));
    return [own, ...rest];
  },

  inWords(lines, x, choice) {
    const text = (line, place) => number(line.value[place]) + (line.error ? ` ± ${number(line.error[place], 2)}` : "");
    return {
      words: `At the first point: ${lines.map((line) => `${line.process} ${text(line, 0)}`).join(", ")}.`,
      rows: {
        caption: "Every point", columns: [choice.kind === "truth" ? "distance" : "rank", ...lines.map((line) => line.process)],
        rows: x.map((value, place) => [number(value), ...lines.map((line) => text(line, place))]),
      },
    };
  },
};
