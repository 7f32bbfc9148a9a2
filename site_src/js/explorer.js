// activation-gallery: reads values off the grids of a page, recolours and reorders them, opens a channel large.
// Nothing is loaded before a grid is pointed at, focused or changed; without this script grids are pictures.
(() => {
  const maps = activationMaps;
  const { make, makeBar, labelBar, shareOf, stepOf } = activationElements;
  const HINT =
    "Point at a map to read its values, click or press Enter to see the channel large; arrow keys step.";
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

  // `centred` are the colours around zero: only there does a middle colour mean something.
  const choice = { scale: null, colours: null, centred: null, order: "index", ...recall() };

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
        this.negative = ranges.low.some((value) => value < 0);
      });
      return this.promise;
    }

    // What was chosen on another page, where it makes sense here.
    get scale() {
      const scale = choice.scale ?? this.facts.scale;
      return scale === "symmetric" && !this.negative ? this.facts.scale : scale;
    }

    // The names of the colour maps that fit the scale, the one to begin with first.
    get palettes() {
      const { tables, diverging, chosen } = this.colours;
      if (this.scale === "symmetric") return diverging;
      return [chosen, ...Object.keys(tables).filter((name) => name !== chosen && !diverging.includes(name))];
    }

    get palette() {
      const wanted = this.scale === "symmetric" ? choice.centred : choice.colours;
      return this.palettes.includes(wanted) ? wanted : this.palettes[0];
    }

    get table() {
      return this.colours.tables[this.palette];
    }

    get isAsBuilt() {
      return (
        this.scale === this.facts.scale && this.palette === this.colours.chosen && choice.order === "index"
      );
    }

    async draw(single) {
      await this.ready();
      this.order = orderOf(choice.order, this, single);
      this.mark.hidden = true;
      this.canvas.hidden = this.isAsBuilt;
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

    read({ channel, x, y }) {
      const value = maps.channelOf(this.values, channel)[y * this.values.width + x];
      return maps.format(value, maps.stepOf(this.values, channel));
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

  function responseOf({ ranges, facts }, channel) {
    return ranges.mean[ranges.images.indexOf(facts.slug) * ranges.channels + channel];
  }

  const tip = make("p", { class: "ag-tip", hidden: "" });
  const spoken = make("p", { class: "ag-unseen", role: "status" }); // for those who step by keys

  function say(text, x, y) {
    tip.textContent = text;
    tip.hidden = false;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(x + 14, room))}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight > window.innerHeight ? y - 12 - tip.offsetHeight : y + 18}px`;
  }

  // Lets a plain click do something else than follow the link, which it does where values cannot be loaded.
  function insteadOf(link, act) {
    const listener = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      act(event).catch(() => {
        location.href = link.href;
      });
    };
    link.addEventListener("click", listener, { capture: true });
  }

  function listen(grid, page) {
    const { link } = grid;
    let wanted = 0; // counts what was asked for: values that come late must not undo what came after

    // Marks and reads the place that `find` returns once there are values, unless something else came first.
    async function look(find) {
      wanted += 1;
      const mine = wanted;
      try {
        await grid.ready();
      } catch {
        return null;
      }
      const found = mine === wanted ? find() : null;
      if (!found) return null;
      grid.markCell(found.position);
      page.showEnds(grid, found.channel);
      const text = `channel ${found.channel} · row ${found.y}, column ${found.x} · ${grid.read(found)}`;
      return { ...found, text };
    }

    async function point(event) {
      const found = await look(() => grid.locate(event));
      if (found) say(found.text, event.clientX, event.clientY);
    }

    function leave() {
      wanted += 1;
      grid.mark.hidden = true;
      tip.hidden = true;
      if (grid.values) page.showEnds(grid);
    }

    async function choose(position) {
      const found = await look(() => {
        if (position < 0 || position >= grid.order.length) return null;
        return { position, ...grid.strongest(grid.order[position]) };
      });
      if (!found) return;
      grid.mark.scrollIntoView({ block: "nearest", behavior: "instant" });
      const box = grid.mark.getBoundingClientRect();
      say(found.text, box.right, box.bottom);
      spoken.textContent = found.text;
    }

    link.addEventListener("pointermove", point);
    link.addEventListener("pointerleave", leave);
    link.addEventListener("blur", leave);
    link.addEventListener("focus", () => {
      if (link.matches(":focus-visible")) choose(grid.position);
    });
    link.addEventListener("keydown", (event) => {
      if (event.key === "Escape") leave();
      const [right, down] = stepOf(event) ?? [];
      if (right === undefined || event.shiftKey) return;
      event.preventDefault();
      choose(grid.position + right + down * grid.facts.columns);
    });
    insteadOf(link, async (event) => {
      await grid.ready();
      const byPointer = event.detail > 0;
      const spot = byPointer ? grid.locate(event) : { channel: grid.order[grid.position] };
      if (spot) await page.open(spot.channel, byPointer ? spot : null);
    });
  }

  function unreadable() {
    say("The values could not be loaded.", 8, 8);
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
      colours.replaceChildren(...grid.palettes.map((name) => make("option", { value: name }, name)));
      colours.value = grid.palette;
      if (!grid.negative) scale.querySelector("option[value=symmetric]")?.remove();
      scale.value = grid.scale;
    };

    async function update(changes) {
      Object.assign(choice, changes);
      remember(choice);
      await page.redraw();
    }

    const prepare = () => page.grids[0].ready().then(() => page.whenReady(page.grids[0]), unreadable);
    form.addEventListener("focusin", prepare, { once: true });
    form.addEventListener("pointerenter", prepare, { once: true });
    scale.addEventListener("change", () =>
      update({ scale: scale.value === builtScale ? null : scale.value }),
    );
    colours.addEventListener("change", () => {
      update({ [page.grids[0].scale === "symmetric" ? "centred" : "colours"]: colours.value });
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
          byLink.get(entry.target).draw(single).catch(unreadable);
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

    const rule = legend.querySelector(".ag-rule");
    page.redraw = async () => {
      for (const grid of page.grids) {
        watcher.unobserve(grid.link);
        watcher.observe(grid.link);
      }
      const [first] = page.grids;
      await first.ready();
      page.whenReady(first);
      page.showEnds(first);
      rule.textContent = first.colours.scales[first.scale].rule;
    };

    page.open = makeDialog(page);
    const hint = make("p", { class: "ag-quiet ag-hint", id: "ag-hint", "data-search-exclude": "" }, HINT);
    legend.before(makeControls(page), hint);
    document.body.append(tip, spoken);
    for (const grid of page.grids) {
      grid.link.setAttribute("aria-describedby", hint.id);
      listen(grid, page);
    }
    openWall(page);
    if (choice.scale || choice.colours || choice.order !== "index") page.redraw().catch(unreadable);
    const openAddressed = () => page.open(channelOfAddress()).catch(unreadable);
    window.addEventListener("popstate", openAddressed);
    openAddressed();
  }

  function channelOfAddress() {
    const [, channel] = /^#c(\d+)$/.exec(location.hash) ?? [];
    return channel === undefined ? null : Number(channel);
  }

  // A single channel's picture opens the same view as its cell in the grid.
  function openWall(page) {
    document.querySelectorAll(".ag-wall figure").forEach((figure) => {
      insteadOf(figure.querySelector("a"), () => page.open(Number(figure.id.slice(1))));
    });
  }

  // The view of one channel: for one image large, for several side by side, the strongest answer first.
  function makeDialog(page) {
    let pointer = [0, 0];
    document.addEventListener("pointerdown", (event) => {
      pointer = [event.clientX, event.clientY];
    });
    const title = make("h2", { id: "ag-channel-title" });
    const cards = make("div", { class: "ag-answers" });
    const part = document.querySelector(".ag-grids")?.dataset.part;
    const covered = make("p", { class: "ag-quiet", hidden: "" });
    if (part) {
      covered.textContent = `Here are the images on this page: ${part}. Their scale covers all images.`;
      covered.hidden = false;
    }
    const bar = makeBar();
    const scaleRule = make("p", { class: "ag-quiet" });
    const keys = make(
      "p",
      { class: "ag-quiet ag-keys" },
      "← → channel · ↑ ↓ layer · Shift and arrows: position · Esc closes",
    );
    const button = (text, label, act) => {
      const element = make("button", { type: "button", "aria-label": label }, text);
      element.addEventListener("click", act);
      return element;
    };
    const before = button("←", "Previous channel", () => step(-1));
    const after = button("→", "Next channel", () => step(1));
    const layers = [
      ["prev", "↑", "Previous layer"],
      ["next", "↓", "Next layer"],
    ].map(([rel, text, label]) => {
      const element = button(text, label, () => stepLayer(rel));
      element.disabled = !layerLink(rel);
      return element;
    });
    const close = button("×", "Close", () => dialog.close());
    const head = make("div", { class: "ag-head" }, title, before, after, ...layers, close);
    const said = make("p", { class: "ag-unseen", role: "status" });
    const dialog = make("dialog", {
      class: "ag-viewer ag-channel",
      "aria-labelledby": title.id,
      tabindex: "-1",
    });
    dialog.append(head, said, covered, cards, bar, scaleRule, keys);
    document.body.append(dialog);
    const [first] = page.grids;
    const large = page.grids.length === 1;
    let current = 0;
    let spot = { x: 0.5, y: 0.5 }; // in shares of the map
    let chosen = false; // whether the visitor has chosen the spot; else it is where the answer is strongest
    let shown = [];
    let opener = null;

    // Opens a channel, at a place of the map where one was pointed at; `null` closes the view.
    async function open(channel, at = null) {
      if (channel === null) {
        dialog.close();
        return;
      }
      await Promise.all(page.grids.map((grid) => grid.ready()));
      chosen = Boolean(at);
      if (at) spot = { x: (at.x + 0.5) / first.values.width, y: (at.y + 0.5) / first.values.height };
      if (!dialog.open) {
        opener = document.activeElement;
        // Going back closes the view, unless the visitor came by a link to it.
        if (channelOfAddress() === null) history.pushState({ channel: true }, "", `#c${channel}`);
        dialog.showModal();
      }
      tip.hidden = true;
      rested = pointer;
      show(channel);
    }

    function show(channel) {
      const { order } = first;
      current = Math.min(Math.max(channel, 0), order.length - 1);
      history.replaceState(history.state, "", `#c${current}`);
      title.textContent = `Channel ${current} of ${first.facts.layer}`;
      before.disabled = order[0] === current;
      after.disabled = order.at(-1) === current;
      if (!dialog.contains(document.activeElement) || document.activeElement.disabled) {
        dialog.focus(); // a button that is disabled loses the focus, and the keys with it
      }
      const response = (grid) =>
        maps.isKnown(grid.values, current) ? responseOf(grid, current) : Number.NEGATIVE_INFINITY;
      const sorted = [...page.grids].sort((a, b) => response(b) - response(a));
      if (!chosen) {
        const { x, y } = sorted[0].strongest(current);
        spot = { x: (x + 0.5) / sorted[0].values.width, y: (y + 0.5) / sorted[0].values.height };
      }
      shown = sorted.map((grid) => makeCard(grid, current, rangeHere(grid), large));
      cards.replaceChildren(...shown.map((card) => card.element));
      labelBar(bar, ...rangeHere(sorted[0]).map((end) => maps.format(end)), maps.gradientOf(first.table));
      bar.hidden = page.grids.every((grid) => maps.isConstant(grid.values, current));
      scaleRule.textContent = isShared(first)
        ? "One scale for these images: from this channel’s smallest to its largest value in any image."
        : first.colours.scales[first.scale].rule;
      mark();
      said.textContent = `${title.textContent}, ${shown[0].words}; ${shown[0].read()}`;
    }

    function step(by) {
      const channel = first.order[first.order.indexOf(current) + by];
      if (channel !== undefined) show(channel);
    }

    // Several images share one scale, else their answers could not be compared.
    function isShared(grid) {
      return !large && ["channel", "layer", "zscore"].includes(grid.scale);
    }

    function rangeHere(grid) {
      if (isShared(grid)) return [grid.ranges.low[current], grid.ranges.high[current]];
      return maps.rangeOf(grid.scale, current, grid.values, grid.ranges);
    }

    function mark() {
      for (const card of shown) card.mark(spot);
    }

    function movePosition(dx, dy) {
      const { width, height } = first.values;
      const clamp = (share, side) => Math.min(Math.max(share, 0.5 / side), 1 - 0.5 / side);
      spot = { x: clamp(spot.x + dx / width, width), y: clamp(spot.y + dy / height, height) };
      chosen = true;
      mark();
      said.textContent = shown[0].read();
    }

    function layerLink(rel) {
      return document.querySelector(`.ag-steps a[rel="${rel}"][data-maps]`);
    }

    function stepLayer(rel) {
      const link = layerLink(rel);
      if (link) location.href = `${link.href}#c${current}`;
    }

    dialog.addEventListener("keydown", (event) => {
      const move = stepOf(event);
      if (!move) return;
      event.preventDefault();
      if (event.shiftKey) movePosition(...move);
      else if (move[0]) step(move[0]);
      else stepLayer(move[1] < 0 ? "prev" : "next");
    });
    // Browsers report a resting pointer again when the page below it changes; keys must not be undone by that.
    let rested = [0, 0];
    function point(event) {
      const picture = event.target.closest(".ag-map");
      const moved = Math.hypot(event.clientX - rested[0], event.clientY - rested[1]);
      if (!picture || (event.type === "pointermove" && moved < 2)) return;
      rested = [event.clientX, event.clientY];
      spot = shareOf(picture, event);
      chosen = true;
      mark();
    }
    cards.addEventListener("pointermove", point);
    cards.addEventListener("pointerdown", point);
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => {
      if (history.state?.channel) history.back();
      else history.replaceState(null, "", location.pathname + location.search);
      if (opener && opener !== document.body) opener.focus();
      else {
        first.position = first.order.indexOf(current); // who came by a link goes on from its channel
        first.link.focus();
      }
    });
    return open;
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
    const narrow = window.innerWidth < 600; // where map and input lie one below the other
    const room = large
      ? Math.min(window.innerHeight * (narrow ? 0.27 : 0.56), window.innerWidth * (narrow ? 0.84 : 0.42))
      : Math.min(window.innerHeight * 0.3, Math.max(window.innerWidth * 0.15, 130));
    const fit = room / Math.max(values.width, values.height);
    const side = fit >= 1 ? Math.floor(fit) : fit;
    canvas.style.width = `${values.width * side}px`;
    const words = sayChannel(grid, channel);
    canvas.setAttribute("aria-label", `Channel ${channel} for ${facts.image}: ${words}`);

    const dot = make("span", { class: "ag-dot" });
    const box = make("span", { class: "ag-box", hidden: "" });
    const seenDot = make("span", { class: "ag-dot" });
    const seen = make("img", { src: new URL(facts.seen, maps.root).href, alt: `${facts.image}, the input` });
    seen.className = "ag-crisp";
    seen.style.width = canvas.style.width;
    const link = make("a", { href: new URL(`${facts.page}#c${channel}`, maps.root).href }, facts.image);
    const numbers = make("span", {}, words);
    const here = make("span", { class: "ag-here" });
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
      const value = grid.read({ channel, x: column, y: row });
      const field = placeField(box, facts, row, column);
      here.textContent = `row ${row}, column ${column}: ${value}${large ? ` · ${field}` : ""}`;
    }

    return { element, mark, words, read: () => here.textContent };
  }

  // A channel of one image in numbers, and what is odd about it.
  function sayChannel(grid, channel) {
    const { values } = grid;
    const [low, high] = [values.low[channel], values.high[channel]].map((end) => maps.format(end));
    if (maps.isConstant(values, channel)) return `constant ${low}`;
    const all = maps.channelOf(values, channel);
    const odd = all.length - all.filter(Number.isFinite).length;
    if (odd === all.length) return "no finite value";
    const mean = maps.format(responseOf(grid, channel));
    const flawed = odd ? `; ${odd} of ${all.length} values are NaN or infinite` : "";
    return `${low} to ${high}, mean ${mean}${flawed}`;
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
