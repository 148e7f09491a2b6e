/* Attributions in the plane of each jet: mean density of a process, or the constituents of one event. */

drawers.gradCam = {
  allowed(data, choice) {
    const events = this.eventsOf(data, choice.process);
    return { event: (value) => value === "mean" || Boolean(events[Number(value)]?.jets[0].methods[choice.method]) };
  },

  eventsOf(data, process) {
    return shared("events")?.events.filter((event) => event.process === Number(process)) ?? [];
  },

  draw(data, choice, width) {
    if (choice.event === "mean") return this.density(data, choice, width);
    const event = this.eventsOf(data, choice.process)[Number(choice.event)];
    const lists = event.jets.map((jet) => unpack(jet.methods[choice.method]).values), title = data.methods[choice.method];
    const zero = lists.every((values) => values.every((value) => value === 0)) ? " The map is zero everywhere." : "";
    return {
      ...drawEvent(event, lists, title, data.jets, data.plane, width),
      words: `${eventWords(event)}${zero}`,
      rows: largest(event, lists, title, data.jets),
    };
  },

  density(data, choice, width) {
    const maps = data.jets.map((_, jet) => at(data.maps[choice.method], jet, Number(choice.process)));
    const signed = data.signed.includes(choice.method);
    const title = `${signed ? "logit" : "share"} per unit area [1/rad]`;
    const drawn = drawDensities(maps, data.jets, data.plane, title, width, signed);
    return { ...drawn, ...this.inWords(data, choice, maps, signed) };
  },

  inWords(data, choice, maps, signed) {
    const rows = maps.map((map, jet) => {
      const inside = [0.1, 0.2, 0.4].map((radius) => number(this.within(map, data.plane, radius)));
      return [data.jets[jet], ...inside];
    });
    const process = data.processes[Number(choice.process)];
    return {
      words: `${data.methods[choice.method]}, mean of ${data.counts[Number(choice.process)]} ${process} events.`,
      rows: { caption: `${signed ? "Logit" : "Share"} within a distance from the jet's axis`, columns: ["jet", "0.1", "0.2", "0.4"], rows },
    };
  },

  /** Share of the density in bins whose middle is nearer to the axis than a radius. */
  within({ shape, values }, plane, radius) {
    const bins = shape[0], step = (2 * plane) / bins;
    let sum = 0;
    for (let eta = 0; eta < bins; eta++) {
      for (let phi = 0; phi < bins; phi++) {
        const far = Math.hypot(-plane + (eta + 0.5) * step, -plane + (phi + 0.5) * step);
        if (far < radius) sum += values[eta * bins + phi] * step * step;
      }
    }
    return sum;
  },
};
