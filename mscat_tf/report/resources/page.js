/* Starts every figure of the page: reads its data, follows its selects, its width and the printer. */

const PRINTED = 660; // width [px] of a figure on paper
const CONFIG = {
  displaylogo: false,
  responsive: false,
  modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"],
  toImageButtonOptions: { format: "svg" },
};
const figures = new Map();

function readData(name) {
  return JSON.parse(document.getElementById(name).textContent);
}

const sharedData = {};
/** Data that several figures use, read once; null where the page has none. */
function shared(name) {
  if (!(name in sharedData)) sharedData[name] = document.getElementById(`shared-${name}`) ? readData(`shared-${name}`) : null;
  return sharedData[name];
}

class PageFigure {
  constructor(element) {
    this.element = element;
    this.plot = element.querySelector(".plot");
    this.words = element.querySelector("p.words");
    this.rows = element.querySelector(".rows");
    this.description = this.plot.getAttribute("aria-label");
    this.selects = [...element.querySelectorAll("select[data-choice]")];
    this.drawer = drawers[element.dataset.drawer];
    for (const select of this.selects) select.addEventListener("change", () => this.changed());
    for (const button of element.querySelectorAll("button[data-step]")) {
      button.addEventListener("click", () => this.step(button.dataset.step === "next" ? 1 : -1));
    }
  }

  get data() {
    return (this.read ??= readData(`data-${this.element.id}`));
  }

  choice() {
    return Object.fromEntries(this.selects.map((select) => [select.dataset.choice, select.value]));
  }

  changed() {
    this.words.setAttribute("role", "status"); // from now on changes are read out
    this.draw();
  }

  step(by) {
    const select = this.selects.find((each) => each.dataset.choice === this.element.dataset.steps);
    const open = [...select.options].filter((option) => !option.disabled);
    const place = (open.indexOf(select.selectedOptions[0]) + by + open.length) % open.length;
    select.value = open[place].value;
    this.changed();
  }

  /** Hide options, and whole selects, that mean nothing with what is chosen in those before them. */
  limit() {
    for (const select of this.selects) {
      const allowed = this.drawer.allowed?.(this.data, this.choice())[select.dataset.choice];
      for (const option of select.options) option.disabled = option.hidden = allowed ? !allowed(option.value) : false;
      const open = [...select.options].filter((option) => !option.disabled);
      if (select.selectedOptions[0]?.disabled && open.length) select.value = open[0].value;
      select.disabled = select.parentElement.hidden = !open.length;
    }
  }

  draw(width = Math.max(280, this.plot.clientWidth)) {
    this.limit();
    if (width !== this.width) Plotly.purge(this.plot); // an old colour bar may keep its margins
    this.width = width;
    const drawn = this.drawer.draw(this.data, this.choice(), width);
    Plotly.react(this.plot, drawn.traces, pageLayout(drawn.layout, width), CONFIG);
    this.words.textContent = drawn.words ?? "";
    const chosen = this.selects.filter((select) => !select.disabled).map((select) => select.selectedOptions[0]?.text);
    this.plot.setAttribute("aria-label", [this.description, ...chosen].join(" · "));
    this.rows.replaceChildren(...(drawn.rows ? [tableOf(drawn.rows, this.element.id)] : []));
    this.element.dataset.drawn = "yes";
  }

  /** Draw if that was not done at the present width. */
  drawIfNew() {
    if (this.width !== Math.max(280, this.plot.clientWidth)) this.draw();
  }
}

/** A table that is folded until asked for, and stays as it was when the figure changes. */
function tableOf({ caption, columns, rows }, figure) {
  const before = document.querySelector(`#${figure} .rows details`);
  const details = Object.assign(document.createElement("details"), { open: before?.open ?? false });
  const scroll = Object.assign(document.createElement("div"), { className: "scroll", tabIndex: 0 });
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", caption);
  const table = document.createElement("table");
  const line = (cells, kind) => {
    const row = document.createElement("tr");
    row.append(...cells.map((text, place) => {
      const cell = document.createElement(kind === "th" || !place ? "th" : "td");
      if (kind === "th" || !place) cell.scope = kind === "th" ? "col" : "row";
      cell.textContent = text;
      return cell;
    }));
    return row;
  };
  table.createTHead().append(line(columns, "th"));
  table.createTBody().append(...rows.map((row) => line(row, "td")));
  scroll.append(table);
  details.append(Object.assign(document.createElement("summary"), { textContent: caption }), scroll);
  return details;
}

function start() {
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) figures.get(target).drawIfNew();
  }, { rootMargin: "600px" }); // a little before they are seen
  for (const element of document.querySelectorAll("figure[data-drawer]")) {
    figures.set(element, new PageFigure(element));
    seen.observe(element);
  }
  const lookAgain = () => {
    for (const element of figures.keys()) {
      seen.unobserve(element);
      seen.observe(element);
    }
  };
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(lookAgain, 150);
  });
  addEventListener("beforeprint", () => figures.forEach((figure) => figure.draw(PRINTED)));
  addEventListener("afterprint", lookAgain);
  document.documentElement.dataset.ready = "yes";
}

start();
