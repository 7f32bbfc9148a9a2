// activation-gallery: a channel of one image in the view of a channel: its map, the input with the same place
// marked, and the value there.
//
// Needs: elements.js, maps/*.js, explorer/grid.js.
// Offers: `activationGallery.imageCard`.
"use strict";

/**
 * @typedef {object} ImageCard
 * @property {HTMLElement} element
 * @property {string} words the channel in numbers
 * @property {(point: Point) => void} mark marks a place of the map, and of the input
 * @property {() => string} read the marked place and its value in words
 */

activationGallery.imageCard = (() => {
  const { elements, channels, sheet } = activationGallery;
  const { root } = activationGallery.maps;
  const { make } = elements;

  /**
   * @param {Grid} grid
   * @param {number} channel
   * @param {ValueRange} range the values that get the first and the last colour
   * @param {boolean} single whether it is the only image
   * @returns {ImageCard}
   */
  function makeCard(grid, channel, range, single) {
    const { facts } = grid;
    const { maps } = grid.data;
    const words = describeChannel(grid, channel);
    const canvas = drawChannel(grid, channel, range);
    canvas.style.width = `${maps.width * pixelsPerValue(maps, single)}px`;
    canvas.setAttribute("aria-label", `Channel ${channel} for ${facts.image}: ${words}`);

    const dot = make("span", { class: "ag-dot" });
    const inputDot = make("span", { class: "ag-dot" });
    const fieldBox = make("span", { class: "ag-box", hidden: "" });
    const input = make("img", { src: new URL(facts.seen, root).href, alt: `${facts.image}, the input` });
    input.className = "ag-crisp";
    input.style.width = canvas.style.width;
    const link = make("a", { href: new URL(`${facts.page}#c${channel}`, root).href }, facts.image);
    const numbers = make("span", {}, words);
    const here = make("span", { class: "ag-here" });
    const element = make(
      "figure",
      {},
      make("div", { class: "ag-map" }, canvas, dot),
      make("div", { class: "ag-seen" }, input, fieldBox, inputDot),
      make("figcaption", {}, single ? facts.image : link, " · ", numbers, make("br"), here),
    );
    if (!single) element.style.width = `calc(2 * ${canvas.style.width} + 0.6rem)`;

    /** @param {Point} point */
    function mark(point) {
      const x = Math.min(maps.width - 1, Math.floor(point.x * maps.width));
      const y = Math.min(maps.height - 1, Math.floor(point.y * maps.height));
      for (const each of [dot, inputDot]) {
        each.style.left = `${(100 * (x + 0.5)) / maps.width}%`;
        each.style.top = `${(100 * (y + 0.5)) / maps.height}%`;
      }
      const field = placeField(fieldBox, facts, y, x);
      here.textContent = `row ${y}, column ${x}: ${grid.read(channel, { x, y })}${single ? ` · ${field}` : ""}`;
    }

    return { element, words, mark, read: () => here.textContent };
  }

  /**
   * @param {Grid} grid
   * @param {number} channel
   * @param {ValueRange} range
   * @returns {HTMLCanvasElement} with one pixel a value
   */
  function drawChannel(grid, channel, range) {
    const canvas = make("canvas", { role: "img" });
    sheet.draw(canvas, grid.data.maps, {
      order: [channel],
      columns: 1,
      factor: 1,
      gap: 0,
      rangeFor: () => range,
      table: grid.table,
      special: grid.data.colours.special,
    });
    return canvas;
  }

  /**
   * @param {FeatureMaps} maps
   * @param {boolean} single
   * @returns {number} how large a value is shown so that the window has room: where possible in whole pixels
   */
  function pixelsPerValue(maps, single) {
    const { innerWidth, innerHeight } = window;
    const isNarrow = innerWidth < 600; // where map and input lie one below the other
    const room = single
      ? Math.min(innerHeight * (isNarrow ? 0.27 : 0.56), innerWidth * (isNarrow ? 0.84 : 0.42))
      : Math.min(innerHeight * 0.3, Math.max(innerWidth * 0.15, 130));
    const fit = room / Math.max(maps.width, maps.height);
    return fit >= 1 ? Math.floor(fit) : fit;
  }

  /**
   * @param {Grid} grid
   * @param {number} channel
   * @returns {string} the channel in numbers, and what is odd about it
   */
  function describeChannel(grid, channel) {
    const { maps } = grid.data;
    const [low, high] = [maps.low[channel], maps.high[channel]].map((end) => channels.format(end));
    if (channels.isConstant(maps, channel)) return `constant ${low}`;
    const values = channels.valuesOf(maps, channel);
    const odd = values.length - values.filter(Number.isFinite).length;
    if (odd === values.length) return "no finite value";
    const mean = channels.format(grid.responseOf(channel));
    const flawed = odd ? `; ${odd} of ${values.length} values are NaN or infinite` : "";
    return `${low} to ${high}, mean ${mean}${flawed}`;
  }

  /**
   * Shows the receptive field of one value on the input.
   * @param {HTMLElement} box
   * @param {GridFacts} facts
   * @param {number} row
   * @param {number} column
   * @returns {string} what it sees, in words
   */
  function placeField(box, { receptive, fed }, row, column) {
    if (!receptive) return "what it sees of the input: unknown";
    if (receptive.whole) {
      sheet.place(box, { left: 0, top: 0, width: 1, height: 1 });
      return "sees the whole input";
    }
    const [[top, height], [left, width]] = [row, column].map((index, axis) => {
      const start = receptive.start[axis] + index * receptive.stride[axis];
      const first = Math.min(Math.max(start, 0), fed[axis]);
      const last = Math.min(Math.max(start + receptive.size[axis], 0), fed[axis]);
      return [first / fed[axis], (last - first) / fed[axis]];
    });
    sheet.place(box, { top, height, left, width });
    return `sees ${receptive.size[0]}×${receptive.size[1]} pixels of the input`;
  }

  return { makeCard };
})();
