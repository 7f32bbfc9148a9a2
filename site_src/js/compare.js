// activation-gallery: two images against each other on the compare page, and what differs between them.
// The table below has every grid; from it come the layers and images to choose from.
(() => {
  const maps = activationMaps;
  const { make, makeBar, labelBar, shareOf, stepOf } = activationElements;
  const cells = [...document.querySelectorAll(".ag-compare td[data-explore]")];
  const facts = cells.map((cell) => JSON.parse(cell.dataset.explore));
  const images = [...new Set(facts.map((each) => each.slug))];
  if (images.length < 2 || !maps.supported) return;

  function makeSelect(title, options, chosen) {
    const select = make("select");
    for (const [value, text] of options) select.append(make("option", { value }, text));
    select.value = chosen;
    form.append(make("label", {}, `${title} `, select));
    return select;
  }

  const nameOf = new Map(facts.map((each) => [each.slug, each.image]));
  const layers = new Map(facts.map((each) => [each.ranges, each.layer]));
  const form = make("form", { class: "ag-controls" });
  const layer = makeSelect("Layer", layers, [...layers.keys()][0]);
  const one = makeSelect("Image", nameOf, images[0]);
  const other = makeSelect("against", nameOf, images[1]);
  const scale = makeSelect(
    "Scale",
    [
      ["channel", "each channel"],
      ["layer", "the layer"],
    ],
    "channel",
  );
  const button = make("button", { type: "submit" }, "Compare");
  form.append(button);
  const panel = make("div", { class: "ag-against" });
  const said = make("p", { class: "ag-quiet", role: "status" });
  const section = make("section", { "data-search-exclude": "" });
  section.append(make("h2", { id: "against" }, "Two images against each other"), form, panel, said);
  const { part } = document.querySelector(".ag-compare").dataset;
  if (part)
    form.before(make("p", { class: "ag-quiet" }, `To choose from are the images on this page: ${part}.`));
  document.querySelector(".ag-scroll").before(section);

  function subtract(a, b) {
    const values = a.values.map((value, at) => value - b.values[at]);
    const area = a.width * a.height;
    const low = new Float32Array(a.channels);
    const high = new Float32Array(a.channels);
    for (let channel = 0; channel < a.channels; channel += 1) {
      const finite = values.subarray(channel * area, (channel + 1) * area).filter(Number.isFinite);
      low[channel] = finite.reduce((least, value) => Math.min(least, value), 0);
      high[channel] = finite.reduce((most, value) => Math.max(most, value), 0);
    }
    return { ...a, values, low, high };
  }

  // The range of both images together, so that equal colours are equal values.
  function sharedRange(a, b, channel) {
    const channels = scale.value === "layer" ? [...a.low.keys()] : [channel];
    const low = channels.map((each) => Math.min(a.low[each], b.low[each]));
    const high = channels.map((each) => Math.max(a.high[each], b.high[each]));
    return [low.reduce((x, y) => Math.min(x, y)), high.reduce((x, y) => Math.max(x, y))];
  }

  function symmetricRange(difference, channel) {
    const [low, high] = sharedRange(difference, difference, channel);
    const largest = Math.max(-low, high);
    return [-largest, largest];
  }

  let asked = 0; // counts comparisons: one that loads slowly must not replace a later one

  async function compare() {
    asked += 1;
    const mine = asked;
    const [a, b] = [one.value, other.value].map((slug) =>
      facts.find((each) => each.slug === slug && each.ranges === layer.value),
    );
    const [first, second, colours] = await Promise.all([
      maps.loadMaps(a.maps),
      maps.loadMaps(b.maps),
      maps.loadColours(a.colours),
    ]);
    if (mine !== asked) return;
    if (first.values.length !== second.values.length || first.width !== second.width) {
      panel.replaceChildren();
      said.textContent = "These maps differ in size, since the pictures do: there is nothing to subtract.";
      return;
    }
    const difference = subtract(first, second);
    const plain = colours.tables[colours.chosen];
    const centred = colours.tables[colours.diverging[0]];
    const shared = (channel) => sharedRange(first, second, channel);
    const views = [
      { title: a.image, values: first, table: plain, rangeFor: shared },
      { title: b.image, values: second, table: plain, rangeFor: shared },
      {
        title: `${a.image} − ${b.image}`,
        values: difference,
        table: centred,
        flags: false, // a difference of zero everywhere is no channel that is constant
        rangeFor: (channel) => symmetricRange(difference, channel),
      },
    ].map((view) => makeView(view, a, colours.special));
    panel.replaceChildren(...views.map((view) => view.element));
    listen(views, a);
    const largest = Math.max(...difference.high, ...difference.low.map((value) => -value));
    said.textContent = `The largest difference is ${maps.format(largest)}. Point at a grid to read all three; click, or press Enter, to see the channel for all images. Arrow keys choose a channel, with Shift a place.`;
  }

  function makeView({ title, values, table, flags, rangeFor }, { columns, factor, layer: name }, special) {
    const canvas = make("canvas", { role: "img", "aria-label": `${name} for ${title}` });
    const order = [...values.low.keys()];
    maps.drawGrid(canvas, values, { order, columns, factor, rangeFor, table, special, flags });
    const mark = make("span", { class: "ag-cell", hidden: "" });
    const label = `${title}: arrow keys choose a channel, with Shift a place; Enter shows it for all images`;
    const sheet = make(
      "div",
      { class: "ag-sheet", tabindex: "0", role: "group", "aria-label": label },
      canvas,
      mark,
    );
    const bar = makeBar();
    const here = make("span", { class: "ag-here" });
    const element = make("figure", {}, sheet, make("figcaption", {}, make("b", {}, title), " ", here), bar);

    function show(position, x, y) {
      maps.place(mark, maps.layOut(values, columns, factor).boxOf(position));
      const value = maps.channelOf(values, position)[y * values.width + x];
      const text = maps.format(value, maps.stepOf(values, position));
      here.textContent = `channel ${position} · row ${y}, column ${x} · ${text}`;
      labelBar(bar, ...rangeFor(position).map((end) => maps.format(end)), maps.gradientOf(table));
      return `${title}: ${text}`;
    }

    show(0, 0, 0);
    return { element, sheet, values, show };
  }

  // What is pointed at in one grid is read in all three; arrow keys step through the channels.
  function listen(views, { columns, factor, layerPage }) {
    const { values } = views[0];
    const layout = maps.layOut(values, columns, factor);
    let at = { position: 0, x: 0, y: 0 };

    function show(spot) {
      at = spot;
      return views.map((view) => view.show(at.position, at.x, at.y));
    }

    function open() {
      location.href = new URL(`${layerPage}#c${at.position}`, maps.root).href;
    }

    for (const { sheet } of views) {
      sheet.addEventListener("pointermove", (event) => {
        const { x, y } = shareOf(sheet, event);
        const spot = layout.find(x, y);
        if (spot) show(spot);
      });
      sheet.addEventListener("click", open);
      sheet.addEventListener("keydown", (event) => {
        if (event.key === "Enter") open();
        const [right, down] = stepOf(event) ?? [];
        if (right === undefined) return;
        event.preventDefault();
        const next = event.shiftKey
          ? { ...at, x: at.x + right, y: at.y + down }
          : { ...at, position: at.position + right + down * columns };
        const inside = [
          [next.position, values.channels],
          [next.x, values.width],
          [next.y, values.height],
        ].every(([place, places]) => place >= 0 && place < places);
        if (inside)
          said.textContent = `channel ${next.position}, row ${next.y}, column ${next.x}: ${show(next).join("; ")}`;
      });
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    compare();
  });
  form.addEventListener("change", () => {
    if (panel.children.length) compare();
  });
})();
