// activation-gallery: one grid of the comparison, with the value that is pointed at and a colour bar; and the
// reading of one place in all of them.
//
// Needs: elements.js, maps/*.js.
// Offers: `activationGallery.pane`.
"use strict";

/**
 * What a pane shows. Constant channels are flagged unless `flags` is false.
 * @typedef {object} PaneContent
 * @property {string} title
 * @property {FeatureMaps} maps
 * @property {Int32Array} table of the colour map
 * @property {(channel: number) => ValueRange} rangeFor
 * @property {boolean} [flags]
 */

/**
 * @typedef {object} Pane
 * @property {HTMLElement} element
 * @property {HTMLElement} grid what is pointed at and focused
 * @property {FeatureMaps} maps
 * @property {(spot: Spot) => string} show marks a value, and says it
 */

activationGallery.pane = (() => {
  const { elements, channels, colours, sheet } = activationGallery;
  const { root } = activationGallery.maps;
  const { make } = elements;

  /**
   * @param {PaneContent} content
   * @param {GridFacts} facts
   * @param {SpecialColours} special
   * @returns {Pane}
   */
  function makePane({ title, maps, table, rangeFor, flags }, { columns, factor, layer }, special) {
    const canvas = make("canvas", { role: "img", "aria-label": `${layer} for ${title}` });
    const order = [...maps.low.keys()];
    sheet.draw(canvas, maps, { order, columns, factor, rangeFor, table, special, flags });
    const layout = sheet.layOut(maps, columns, factor);
    const frame = make("span", { class: "ag-cell", hidden: "" });
    const label = `${title}: arrow keys choose a channel, with Shift a place; Enter shows it for all images`;
    const grid = make(
      "div",
      { class: "ag-sheet", tabindex: "0", role: "group", "aria-label": label },
      canvas,
      frame,
    );
    const bar = elements.makeBar();
    const here = make("span", { class: "ag-here" });
    const element = make("figure", {}, grid, make("figcaption", {}, make("b", {}, title), " ", here), bar);

    /** @param {Spot} spot */
    function show({ position, x, y }) {
      sheet.place(frame, layout.boxOf(position));
      const text = channels.read(maps, position, x, y);
      here.textContent = `channel ${position} · row ${y}, column ${x} · ${text}`;
      const [low, high] = rangeFor(position).map((end) => channels.format(end));
      elements.labelBar(bar, low, high, colours.gradientOf(table));
      return `${title}: ${text}`;
    }

    show({ position: 0, x: 0, y: 0 });
    return { element, grid, maps, show };
  }

  /**
   * What is pointed at in one pane is read in all; arrow keys step through the channels, with Shift through
   * the values of a map; a click or Enter opens the channel for all images.
   * @param {Pane[]} panes
   * @param {GridFacts} facts
   * @param {(text: string) => void} speak says what keys have led to
   */
  function listen(panes, { columns, factor, layerPage }, speak) {
    const { maps } = panes[0];
    const layout = sheet.layOut(maps, columns, factor);
    /** @type {Spot} */
    let current = { position: 0, x: 0, y: 0 };

    /** @param {Spot} spot */
    function show(spot) {
      current = spot;
      return panes.map((pane) => pane.show(spot));
    }

    function open() {
      location.href = new URL(`${layerPage}#c${current.position}`, root).href;
    }

    /** @param {Spot} spot */
    function isInside({ position, x, y }) {
      return [
        [position, maps.channels],
        [x, maps.width],
        [y, maps.height],
      ].every(([index, count]) => index >= 0 && index < count);
    }

    for (const { grid } of panes) {
      grid.addEventListener("pointermove", (event) => {
        const { x, y } = elements.shareOf(grid, event);
        const spot = layout.find(x, y);
        if (spot) show(spot);
      });
      grid.addEventListener("click", open);
      grid.addEventListener("keydown", (event) => {
        if (event.key === "Enter") open();
        const arrow = elements.stepOf(event);
        if (!arrow) return;
        event.preventDefault();
        const [right, down] = arrow;
        const next = event.shiftKey
          ? { ...current, x: current.x + right, y: current.y + down }
          : { ...current, position: current.position + right + down * columns };
        if (isInside(next))
          speak(`channel ${next.position}, row ${next.y}, column ${next.x}: ${show(next).join("; ")}`);
      });
    }
  }

  return { makePane, listen };
})();
