/* Figures that are complete in themselves, one for each combination of choices. */

drawers.variants = {
  draw(data, choice) {
    const { traces, layout } = data.variants[Object.values(choice).join("|")];
    return { traces, layout };
  },
};
