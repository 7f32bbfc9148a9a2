// activation-gallery: sheets of cells, one channel each, with lines between: where things lie, and drawing them.
//
// Needs: maps/channels.js, maps/colours.js.
// Offers: `activationGallery.sheet`.
"use strict";

/**
 * A part of an element, in shares of its width and height.
 * @typedef {object} Box
 * @property {number} left
 * @property {number} top
 * @property {number} width
 * @property {number} height
 */

/**
 * One value on a sheet.
 * @typedef {object} Spot
 * @property {number} position of its cell, row after row
 * @property {number} x its column in the map
 * @property {number} y its row in the map
 */

/**
 * How a sheet is drawn. Constant channels are flagged unless `flags` is false.
 * @typedef {object} Drawing
 * @property {number[]} order the channels, row after row
 * @property {number} columns
 * @property {number} factor every value is drawn as `factor` × `factor` pixels
 * @property {number} [gap] the width of the lines between, in pixels
 * @property {(channel: number) => ValueRange} rangeFor
 * @property {Int32Array} table of the colour map
 * @property {SpecialColours} special
 * @property {boolean} [flags]
 */

activationGallery.sheet = (() => {
  const { valuesOf, isConstant } = activationGallery.channels;
  const { colourOf } = activationGallery.colours;
  const CELL_GAP = 1;

  /**
   * Says where things lie on a sheet, in shares of its width and height.
   * @param {FeatureMaps} maps
   * @param {number} columns
   * @param {number} factor
   * @returns {{
   *   find: (shareX: number, shareY: number) => Spot | null,
   *   boxOf: (position: number) => Box,
   * }}
   */
  function layOut({ width, height, channels }, columns, factor) {
    const [cellWidth, cellHeight] = [width * factor + CELL_GAP, height * factor + CELL_GAP];
    const sheetWidth = columns * cellWidth + CELL_GAP;
    const sheetHeight = Math.ceil(channels / columns) * cellHeight + CELL_GAP;

    /**
     * @param {number} shareX
     * @param {number} shareY
     * @returns {Spot | null} `null` where there is none; a line belongs to the cell before it
     */
    function find(shareX, shareY) {
      const left = Math.max(0, shareX * sheetWidth - CELL_GAP);
      const top = Math.max(0, shareY * sheetHeight - CELL_GAP);
      const [column, row] = [Math.floor(left / cellWidth), Math.floor(top / cellHeight)];
      const position = row * columns + column;
      if (column >= columns || position >= channels) return null;
      const x = Math.min(width - 1, Math.floor((left - column * cellWidth) / factor));
      const y = Math.min(height - 1, Math.floor((top - row * cellHeight) / factor));
      return { position, x, y };
    }

    /**
     * @param {number} position
     * @returns {Box} the cell with the lines around it
     */
    function boxOf(position) {
      return {
        left: ((position % columns) * cellWidth) / sheetWidth,
        top: (Math.floor(position / columns) * cellHeight) / sheetHeight,
        width: (cellWidth + CELL_GAP) / sheetWidth,
        height: (cellHeight + CELL_GAP) / sheetHeight,
      };
    }

    return { find, boxOf };
  }

  /**
   * Shows an element over a part of its container, so that it stays in place at any size.
   * @param {HTMLElement} element
   * @param {Box} box
   */
  function place(element, { left, top, width, height }) {
    element.style.left = `${100 * left}%`;
    element.style.top = `${100 * top}%`;
    element.style.width = `${100 * width}%`;
    element.style.height = `${100 * height}%`;
    element.hidden = false;
  }

  /**
   * Draws channels into a canvas, which gets the size that they need.
   * @param {HTMLCanvasElement} canvas
   * @param {FeatureMaps} maps
   * @param {Drawing} drawing
   */
  function draw(canvas, maps, drawing) {
    const { order, columns, factor, gap = CELL_GAP, rangeFor, table, special, flags = true } = drawing;
    const [cellWidth, cellHeight] = [maps.width * factor + gap, maps.height * factor + gap];
    canvas.width = columns * cellWidth + gap;
    canvas.height = Math.ceil(order.length / columns) * cellHeight + gap;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const image = context.createImageData(canvas.width, canvas.height);
    const pixels = new Int32Array(image.data.buffer);
    order.forEach((channel, position) => {
      const left = gap + (position % columns) * cellWidth;
      const top = gap + Math.floor(position / columns) * cellHeight;
      const [low, high] = rangeFor(channel);
      const values = valuesOf(maps, channel);
      const constant = flags && isConstant(maps, channel);
      for (let y = 0; y < maps.height * factor; y += 1) {
        const row = Math.floor(y / factor) * maps.width;
        const start = (top + y) * canvas.width + left;
        for (let x = 0; x < maps.width; x += 1) {
          const value = values[row + x];
          const colour = constant ? special.constant : colourOf(value, low, high - low, table, special);
          pixels.fill(colour, start + x * factor, start + (x + 1) * factor);
        }
      }
    });
    context.putImageData(image, 0, 0);
  }

  return { layOut, place, draw };
})();
