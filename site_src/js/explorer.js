// activation-gallery: reads values off the grids of a page, recolours and reorders them, opens a channel large.
// Nothing is loaded before a grid is pointed at, focused or changed; without this script grids are pictures.
(() => {
  const maps = activationMaps;
  const { make, makeBar, labelBar, shareOf } = activationElements;
  const SCALES = [
    ["channel", "each channel"],
    ["layer", "the layer, this image"],
    ["images", "the layer, all images"],
    ["symmetric", "symmetric around zero"],
  ];
  const ORDERS = [
    ["index", "index"],
    ["mean", "mean"],
    ["maximum", "maximum"],
    ["variance", "variance"],
    ["active", "share above zero"],
  ];

  // What the visitor chose, kept while stepping through pages; `null` stands for how the site was built.
  const KEY = "activation-gallery";
  function recall() {
    try {
      return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
    } catch {
      return {}; // no storage in this browser: each page starts anew
    }
  }

  function remember(choice) {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(choice));
    } catch {
      // as above
    }
  }

  const choice = { scale: null, colours: null, order: "index", ...recall() };

  function isAsBuilt() {
    return !choice.scale && !choice.colours && choice.order === "index";
  }

  function textsOf(node) {
    return node.nodeType === Node.TEXT_NODE
      ? [{ node, text: node.data }]
      : [...node.childNodes].flatMap(textsOf);
  }

  // One grid of a page: its picture, and on top of it a canvas once the visitor wants other colours.
  class Grid {
    constructor(figure) {
      this.facts = JSON.parse(figure.dataset.explore);
      this.link = figure.querySelector("a");
      this.image = figure.querySelector("img");
      this.link.classList.add("ag-live");
      this.canvas = make("canvas", { hidden: "", "aria-hidden": "true" });
      this.mark = make("span", { class: "ag-cell", hidden: "" });
      this.link.append(this.canvas, this.mark);
      this.position = 0; // of the marked cell in `order`
      this.caption = [...figure.querySelector("figcaption").childNodes].flatMap(textsOf);
    }

    // Loads the values, once.
    ready() {
      this.promise ??= Promise.all([
        maps.loadMaps(this.facts.maps),
        maps.loadRanges(this.facts.ranges),
        maps.loadColours(this.facts.colours),
      ]).then(([values, ranges, colours]) => {
        Object.assign(this, { values, ranges, colours, order: [...values.low.keys()] });
      });
      return this.promise;
    }

    get scale() {
      return choice.scale ?? this.facts.scale;
    }

    get table() {
      return this.colours.tables[choice.colours] ?? this.colours.tables[this.colours.chosen];
    }

    async draw(single) {
      await this.ready();
      this.order = orderOf(choice.order, this, single);
      this.mark.hidden = true;
      this.canvas.hidden = isAsBuilt();
      this.describe();
      if (!this.canvas.hidden) {
        maps.drawGrid(this.canvas, this.values, {
          order: this.order,
          columns: this.facts.columns,
          factor: this.facts.factor,
          rangeFor: (channel) => maps.rangeOf(this.scale, channel, this.values, this.ranges),
          table: this.table,
          special: this.colours.special,
        });
      }
    }

    // The caption tells the scale, so it changes with it.
    describe() {
      const built = this.colours.scales[this.facts.scale].caption;
      const now = this.colours.scales[this.scale].caption;
      for (const { node, text } of this.caption) node.data = text.replace(built, now);
    }

    get sheet() {
      return maps.layOut(this.values, this.facts.columns, this.facts.factor);
    }

    // The cell and the value below a point of the window, `null` where there is none.
    locate(event) {
      const { x, y } = shareOf(this.image, event);
      const found = this.sheet.find(x, y);
      return found && { ...found, channel: this.order[found.position] };
    }

    markCell(position) {
      maps.place(this.mark, this.sheet.boxOf(position));
      this.position = position;
    }

    // Where a channel answers most strongly.
    strongest(channel) {
      const values = maps.channelOf(this.values, channel);
      let best = 0;
      values.forEach((value, at) => {
        if (value > values[best] || Number.isNaN(values[best])) best = at;
      });
      return { channel, x: best % this.values.width, y: Math.floor(best / this.values.width) };
    }

    valueAt({ channel, x, y }) {
      return maps.channelOf(this.values, channel)[y * this.values.width + x];
    }
  }

  // Channels in the chosen order: of one image by its own numbers, of several by the average over all images.
  function orderOf(name, grid, single) {
    const channels = [...grid.values.low.keys()];
    if (name === "index") return channels;
    const scores = channels.map((channel) =>
      single ? scoreOf(name, grid, channel) : averageOf(name, grid, channel),
    );
    return channels.sort((a, b) => scores[b] - scores[a] || a - b);
  }

  function scoreOf(name, grid, channel) {
    const values = maps.channelOf(grid.values, channel).filter(Number.isFinite);
    if (!values.length) return Number.NEGATIVE_INFINITY;
    if (name === "maximum") return grid.values.high[channel];
    if (name === "active") return values.filter((value) => value > 0).length / values.length;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    if (name === "mean") return mean;
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  }

  function averageOf(name, grid, channel) {
    const { ranges } = grid;
    if (name !== "mean") return ranges[name][channel];
    return ranges.images.reduce((sum, _, image) => sum + ranges.mean[image * ranges.channels + channel], 0);
  }

  function responseOf(ranges, slug, channel) {
    return ranges.mean[ranges.images.indexOf(slug) * ranges.channels + channel];
  }

  const tip = make("p", { class: "ag-tip", role: "status", hidden: "" });

  function say(grid, spot, x, y, spoken) {
    tip.setAttribute("aria-live", spoken ? "polite" : "off");
    tip.textContent = `channel ${spot.channel} · row ${spot.y}, column ${spot.x} · ${maps.format(grid.valueAt(spot))}`;
    tip.hidden = false;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(x + 14, room))}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight > window.innerHeight ? y - 12 - tip.offsetHeight : y + 18}px`;
  }

  // Lets a plain click do something else than follow the link or enlarge the picture.
  function insteadOf(link, act) {
    const listener = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      act(event);
    };
    link.addEventListener("click", listener, { capture: true });
  }

  function listen(grid, page) {
    const { link } = grid;
    let pointed = null;

    async function point(event) {
      await grid.ready();
      pointed = grid.locate(event);
      if (!pointed) return;
      grid.markCell(pointed.position);
      page.showEnds(grid, pointed.channel);
      say(grid, pointed, event.clientX, event.clientY, false);
    }

    function leave() {
      pointed = null;
      grid.mark.hidden = true;
      tip.hidden = true;
      if (grid.values) page.showEnds(grid);
    }

    async function choose(position) {
      await grid.ready();
      if (position < 0 || position >= grid.order.length) return;
      grid.markCell(position);
      page.showEnds(grid, grid.order[position]);
      const box = grid.mark.getBoundingClientRect();
      say(grid, grid.strongest(grid.order[position]), box.right, box.bottom, true);
    }

    link.addEventListener("pointermove", point);
    link.addEventListener("pointerleave", leave);
    link.addEventListener("blur", leave);
    link.addEventListener("focus", () => {
      if (link.matches(":focus-visible")) choose(grid.position);
    });
    link.addEventListener("keydown", (event) => {
      const { columns } = grid.facts;
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      choose(grid.position + step);
    });
    insteadOf(link, async (event) => {
      await grid.ready();
      const byPointer = event.detail > 0;
      const spot = byPointer ? grid.locate(event) : null;
      if (byPointer && !spot) return;
      page.open(spot ?? grid.strongest(grid.order[grid.position]));
    });
  }

  // The switches for all grids of a page, and numbers at the ends of its colour bar.
  function makeControls(page) {
    const form = make("form", { class: "ag-controls", "data-search-exclude": "" });
    form.addEventListener("submit", (event) => event.preventDefault());

    function addSelect(name, title, options) {
      const select = make("select", { name });
      for (const [value, text] of options) select.append(make("option", { value }, text));
      form.append(make("label", {}, `${title} `, select));
      return select;
    }

    const builtScale = page.grids[0].facts.scale;
    const known = SCALES.some(([value]) => value === builtScale);
    const scales = known ? SCALES : [[builtScale, "as drawn"], ...SCALES];
    const scale = addSelect("scale", "Scale", scales);
    const colours = addSelect("colours", "Colours", [["", "as drawn"]]);
    const order = addSelect("order", "Order by", ORDERS);
    scale.value = choice.scale ?? builtScale;
    order.value = choice.order;

    // The names of colour maps, and whether there is anything below zero, are known once something is loaded.
    page.whenReady = (grid) => {
      if (colours.options.length > 1) return;
      const { chosen, tables } = grid.colours;
      colours.options[0].value = chosen;
      colours.options[0].textContent = chosen;
      for (const name of Object.keys(tables)) {
        if (name !== chosen) colours.append(make("option", { value: name }, name));
      }
      colours.value = choice.colours ?? chosen;
      const negative = grid.ranges.low.some((value) => value < 0);
      const symmetric = scale.querySelector("option[value=symmetric]");
      if (!negative && symmetric) {
        symmetric.remove();
        if (choice.scale === "symmetric") update({ scale: null });
      }
    };

    function update(changes) {
      Object.assign(choice, changes);
      remember(choice);
      scale.value = choice.scale ?? builtScale;
      colours.value = choice.colours ?? colours.options[0].value;
      page.redraw();
    }

    form.addEventListener("focusin", () => page.grids[0].ready().then(() => page.whenReady(page.grids[0])));
    form.addEventListener("pointerenter", () =>
      page.grids[0].ready().then(() => page.whenReady(page.grids[0])),
    );
    scale.addEventListener("change", async () => {
      await page.grids[0].ready();
      const { diverging, chosen } = page.grids[0].colours;
      const value = scale.value === builtScale ? null : scale.value;
      const centred = diverging.includes(choice.colours ?? chosen);
      // A middle that means zero wants colours with a middle, and the other way round.
      const fitting = value === "symmetric" ? diverging[0] : null;
      update({ scale: value, colours: (value === "symmetric") === centred ? choice.colours : fitting });
    });
    colours.addEventListener("change", () => {
      update({ colours: colours.value === colours.options[0].value ? null : colours.value });
    });
    order.addEventListener("change", () => update({ order: order.value }));
    return form;
  }

  // Numbers for a channel, or where one scale covers all that is shown; else words.
  function describeEnds(grid, single, channel) {
    const { low, high } = grid.colours.scales[grid.scale];
    const covered = ["images", "symmetric"].includes(grid.scale) || (single && grid.scale === "layer");
    if (channel === undefined && !covered) return [low, high];
    return maps.rangeOf(grid.scale, channel ?? 0, grid.values, grid.ranges).map(maps.format);
  }

  function makePage(figures) {
    const page = { grids: figures.map((figure) => new Grid(figure)) };
    const single = page.grids.length === 1;
    const legend = document.querySelector(".ag-legend");
    const byLink = new Map(page.grids.map((grid) => [grid.link, grid]));

    // Only what is seen, or nearly, is loaded and drawn.
    const watcher = new IntersectionObserver(
      (entries) => {
        for (const entry of entries.filter((each) => each.isIntersecting)) {
          watcher.unobserve(entry.target);
          const grid = byLink.get(entry.target);
          grid.draw(single).then(() => page.whenReady(grid));
        }
      },
      { rootMargin: "200px" },
    );

    page.showEnds = (grid, channel) => {
      labelBar(
        legend.querySelector(".ag-bar"),
        ...describeEnds(grid, single, channel),
        maps.gradientOf(grid.table),
      );
    };

    page.redraw = async () => {
      for (const grid of page.grids) {
        watcher.unobserve(grid.link);
        watcher.observe(grid.link);
      }
      const [first] = page.grids;
      await first.ready();
      page.showEnds(first);
      legend.querySelector("p").firstChild.data = `${first.colours.scales[first.scale].rule} `;
    };

    const dialog = makeDialog(page);
    page.open = (spot) => dialog.open(spot.channel, spot);
    (document.querySelector(".ag-beside") ?? legend).before(makeControls(page));
    document.body.append(tip);
    for (const grid of page.grids) listen(grid, page);
    openWall(page);
    if (!isAsBuilt()) page.redraw();

    function follow() {
      const [, channel] = /^#c(\d+)$/.exec(location.hash) ?? [];
      if (channel !== undefined) dialog.open(Number(channel));
    }
    window.addEventListener("hashchange", follow);
    follow();
  }

  // A single channel's picture opens the same view as its cell in the grid.
  function openWall(page) {
    document.querySelectorAll(".ag-wall figure").forEach((figure) => {
      const channel = Number(figure.id.slice(1));
      insteadOf(figure.querySelector("a"), async () => {
        await page.grids[0].ready();
        page.open(page.grids[0].strongest(channel));
      });
    });
  }

  // The view of one channel: for one image large, for several side by side, the strongest answer first.
  function makeDialog(page) {
    let pointer = [0, 0];
    document.addEventListener("pointerdown", (event) => {
      pointer = [event.clientX, event.clientY];
    });
    const title = make("h2");
    const cards = make("div", { class: "ag-answers" });
    const part = document.querySelector(".ag-grids")?.dataset.part;
    const covered = make("p", { class: "ag-quiet", hidden: "" });
    if (part) {
      covered.textContent = `Here are the images on this page: ${part}. Their scale covers all images.`;
      covered.hidden = false;
    }
    const bar = makeBar();
    const keys = make(
      "p",
      { class: "ag-quiet" },
      "← → channel · ↑ ↓ layer · Shift and arrows: position · Esc closes",
    );
    const before = make("button", { type: "button", "aria-label": "Previous channel" }, "←");
    const after = make("button", { type: "button", "aria-label": "Next channel" }, "→");
    const close = make("button", { type: "button", "aria-label": "Close" }, "×");
    const head = make("header", {}, title, before, after, close);
    const dialog = make("dialog", {
      class: "ag-viewer ag-channel",
      "aria-label": "One channel",
      tabindex: "-1",
    });
    dialog.append(head, covered, cards, bar, keys);
    document.body.append(dialog);
    let current = 0;
    let spot = { x: 0.5, y: 0.5 }; // in shares of the map
    let shown = [];
    let opener = null;

    async function open(channel, at) {
      const first = page.grids[0];
      await Promise.all(page.grids.map((grid) => grid.ready()));
      const place = at ?? first.strongest(Math.min(channel, first.values.channels - 1));
      spot = { x: (place.x + 0.5) / first.values.width, y: (place.y + 0.5) / first.values.height };
      if (!dialog.open) {
        opener = document.activeElement;
        dialog.showModal();
      }
      tip.hidden = true;
      rested = pointer;
      show(channel);
    }

    function show(channel) {
      const count = page.grids[0].values.channels;
      current = Math.min(Math.max(channel, 0), count - 1);
      history.replaceState(null, "", `#c${current}`);
      title.textContent = `Channel ${current} of ${page.grids[0].facts.layer}`;
      before.disabled = current === 0;
      after.disabled = current === count - 1;
      if (!dialog.contains(document.activeElement) || document.activeElement.disabled) {
        dialog.focus(); // a button that is disabled loses the focus, and the keys with it
      }
      const { ranges } = page.grids[0];
      const mean = (grid) => responseOf(ranges, grid.facts.slug, current);
      const sorted = [...page.grids].sort((a, b) => mean(b) - mean(a));
      shown = sorted.map((grid) => makeCard(grid, current, rangeHere(grid), page.grids.length === 1));
      cards.replaceChildren(...shown.map((card) => card.element));
      labelBar(bar, ...rangeHere(sorted[0]).map(maps.format), maps.gradientOf(page.grids[0].table));
      mark();
    }

    // Several images share one scale, else their answers could not be compared.
    function rangeHere(grid) {
      if (page.grids.length > 1 && ["channel", "layer", "zscore"].includes(grid.scale)) {
        return [grid.ranges.low[current], grid.ranges.high[current]];
      }
      return maps.rangeOf(grid.scale, current, grid.values, grid.ranges);
    }

    function mark() {
      for (const card of shown) card.mark(spot);
    }

    function movePosition(dx, dy) {
      const { width, height } = page.grids[0].values;
      const clamp = (share, side) => Math.min(Math.max(share, 0.5 / side), 1 - 0.5 / side);
      spot = { x: clamp(spot.x + dx / width, width), y: clamp(spot.y + dy / height, height) };
      mark();
    }

    function stepLayer(rel) {
      const link = document.querySelector(`.ag-steps a[rel="${rel}"]`);
      if (link) location.href = `${link.href}#c${current}`;
    }

    dialog.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      if (event.shiftKey) movePosition(...move);
      else if (move[0]) show(current + move[0]);
      else stepLayer(move[1] < 0 ? "prev" : "next");
    });
    // Browsers report a resting pointer again when the page below it changes; keys must not be undone by that.
    let rested = [0, 0];
    cards.addEventListener("pointermove", (event) => {
      const picture = event.target.closest(".ag-map");
      const [dx, dy] = [event.clientX - rested[0], event.clientY - rested[1]];
      if (!picture || Math.hypot(dx, dy) < 2) return;
      rested = [event.clientX, event.clientY];
      spot = shareOf(picture, event);
      mark();
    });
    before.addEventListener("click", () => show(current - 1));
    after.addEventListener("click", () => show(current + 1));
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => {
      history.replaceState(null, "", location.pathname + location.search);
      opener?.focus();
    });
    return { open };
  }

  // One image's answer: its map, its input with the same place marked, and the value there.
  function makeCard(grid, channel, range, large) {
    const { values, facts } = grid;
    const canvas = make("canvas", { role: "img" });
    maps.drawGrid(canvas, values, {
      order: [channel],
      columns: 1,
      factor: 1,
      gap: 0,
      rangeFor: () => range,
      table: grid.table,
      special: grid.colours.special,
    });
    const room = large
      ? Math.min(window.innerHeight * 0.56, window.innerWidth * 0.42)
      : Math.min(window.innerHeight * 0.3, Math.max(window.innerWidth * 0.15, 130));
    const fit = room / Math.max(values.width, values.height);
    const side = fit >= 1 ? Math.floor(fit) : fit;
    canvas.style.width = `${values.width * side}px`;
    const [low, high] = [values.low[channel], values.high[channel]];
    const words = maps.isConstant(values, channel)
      ? `constant ${maps.format(low)}`
      : `${maps.format(low)} to ${maps.format(high)}, mean ${maps.format(responseOf(grid.ranges, facts.slug, channel))}`;
    canvas.setAttribute("aria-label", `Channel ${channel} for ${facts.image}: ${words}`);

    const dot = make("span", { class: "ag-dot" });
    const box = make("span", { class: "ag-box", hidden: "" });
    const seenDot = make("span", { class: "ag-dot" });
    const seen = make("img", { src: new URL(facts.seen, maps.root).href, alt: `${facts.image}, the input` });
    seen.className = "ag-crisp";
    seen.style.width = canvas.style.width;
    const link = make("a", { href: new URL(`${facts.page}#c${channel}`, maps.root).href }, facts.image);
    const numbers = make("span", {}, words);
    const here = make("output");
    const element = make(
      "figure",
      {},
      make("div", { class: "ag-map" }, canvas, dot),
      make("div", { class: "ag-seen" }, seen, box, seenDot),
      make("figcaption", {}, large ? facts.image : link, " · ", numbers, make("br"), here),
    );

    if (!large) element.style.width = `calc(2 * ${canvas.style.width} + 0.6rem)`;

    function mark({ x, y }) {
      const column = Math.min(values.width - 1, Math.floor(x * values.width));
      const row = Math.min(values.height - 1, Math.floor(y * values.height));
      for (const each of [dot, seenDot]) {
        each.style.left = `${(100 * (column + 0.5)) / values.width}%`;
        each.style.top = `${(100 * (row + 0.5)) / values.height}%`;
      }
      const value = grid.valueAt({ channel, x: column, y: row });
      const field = placeField(box, facts, row, column);
      here.textContent = `row ${row}, column ${column}: ${maps.format(value)}${large ? ` · ${field}` : ""}`;
    }

    return { element, mark };
  }

  // Draws what one value sees of the input, and says it.
  function placeField(box, { receptive, fed }, row, column) {
    if (!receptive) return "what it sees of the input: unknown";
    if (receptive.whole) {
      maps.place(box, { left: 0, top: 0, width: 1, height: 1 });
      return "sees the whole input";
    }
    const sides = [row, column].map((at, axis) => {
      const start = receptive.start[axis] + at * receptive.stride[axis];
      const first = Math.min(Math.max(start, 0), fed[axis]);
      const last = Math.min(Math.max(start + receptive.size[axis], 0), fed[axis]);
      return [first / fed[axis], (last - first) / fed[axis]];
    });
    const [[top, height], [left, width]] = sides;
    maps.place(box, { top, height, left, width });
    return `sees ${receptive.size[0]}×${receptive.size[1]} pixels of the input`;
  }

  const figures = [...document.querySelectorAll("figure[data-explore]")];
  if (figures.length && maps.supported) makePage(figures);
})();
