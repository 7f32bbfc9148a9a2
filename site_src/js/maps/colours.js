// activation-gallery: loads colour maps and gives values their colours.
//
// Needs: maps.js.
// Offers: `activationGallery.colours`.
"use strict";

/**
 * Colours that stand for no value. Each is a 32-bit number in the order of a canvas's bytes.
 * @typedef {object} SpecialColours
 * @property {number} constant of a channel that is constant
 * @property {number} notANumber
 * @property {number} plusInfinity
 * @property {number} minusInfinity
 */

/**
 * What a page says of a scale.
 * @typedef {object} ScaleWords
 * @property {string} low at the lower end of the colour bar, where no number is known
 * @property {string} high at its upper end
 * @property {string} rule which values get the first and the last colour
 * @property {string} caption the same in the caption of a grid
 */

/**
 * The colour maps to choose from.
 * @typedef {object} ColourMaps
 * @property {string} chosen the name of the colour map that the pictures were drawn with
 * @property {Record<string, Int32Array>} tables by name, each of `LEVELS` colours
 * @property {string[]} diverging names of those with a middle, for zero
 * @property {SpecialColours} special
 * @property {Record<string, ScaleWords>} scales by the name of the scale
 */

activationGallery.colours = (() => {
  const { LEVELS, loadScript, toBytes } = activationGallery.maps;

  /**
   * @param {ArrayLike<number>} rgb 0 to 255 each
   * @returns {number} the colour as a 32-bit number in the order of a canvas's bytes
   */
  function pack({ 0: red, 1: green, 2: blue }) {
    return (255 << 24) | (blue << 16) | (green << 8) | red;
  }

  /**
   * @param {string} text base64 of `LEVELS` RGB colours
   * @returns {Int32Array}
   */
  function toTable(text) {
    const bytes = toBytes(text);
    return Int32Array.from({ length: LEVELS }, (_, level) => pack(bytes.subarray(3 * level, 3 * level + 3)));
  }

  /**
   * @param {string} path of the script of all colour maps
   * @returns {Promise<ColourMaps>}
   */
  async function load(path) {
    const data = await loadScript(path);
    /** @type {Record<string, Int32Array>} */
    const tables = {};
    for (const [name, text] of Object.entries(data.tables)) tables[name] = toTable(text);
    const special = {
      constant: pack(data.special.constant),
      notANumber: pack(data.special.notANumber),
      plusInfinity: pack(data.special.plusInfinity),
      minusInfinity: pack(data.special.minusInfinity),
    };
    return { ...data, tables, special };
  }

  /**
   * @param {number} value
   * @param {number} low the value of the first colour
   * @param {number} extent from there to the value of the last colour
   * @param {Int32Array} table
   * @param {SpecialColours} special
   * @returns {number} its colour
   */
  function colourOf(value, low, extent, table, special) {
    if (Number.isFinite(value)) {
      const share = extent > 0 ? (value - low) / extent : 0;
      return table[Math.round(Math.min(1, Math.max(0, share)) * (LEVELS - 1))];
    }
    if (Number.isNaN(value)) return special.notANumber;
    return value > 0 ? special.plusInfinity : special.minusInfinity;
  }

  /**
   * @param {Int32Array} table
   * @returns {string} a CSS gradient with its colours
   */
  function gradientOf(table) {
    const stops = Array.from({ length: 13 }, (_, index) => {
      const colour = table[Math.round((index * (LEVELS - 1)) / 12)];
      return `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
    });
    return `linear-gradient(to right, ${stops.join(", ")})`;
  }

  return { load, colourOf, gradientOf };
})();
