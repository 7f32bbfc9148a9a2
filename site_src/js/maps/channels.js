// activation-gallery: reads single channels of feature maps that are loaded, and writes their numbers.
//
// Needs: maps.js.
// Offers: `activationGallery.channels`.
"use strict";

activationGallery.channels = (() => {
  const { LEVELS } = activationGallery.maps;

  /**
   * @param {FeatureMaps} maps
   * @param {number} channel
   * @returns {Float32Array} the values of one channel, row after row; no copy
   */
  function valuesOf(maps, channel) {
    const area = maps.height * maps.width;
    return maps.values.subarray(channel * area, (channel + 1) * area);
  }

  /**
   * @param {FeatureMaps} maps
   * @param {number} channel
   * @returns {{mean: number, variance: number}} of the finite values; NaN where there are none
   */
  function momentsOf(maps, channel) {
    const finite = valuesOf(maps, channel).filter(Number.isFinite);
    const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
    const variance = finite.reduce((sum, value) => sum + (value - mean) ** 2, 0) / finite.length;
    return { mean, variance };
  }

  /**
   * @param {FeatureMaps} maps
   * @param {number} channel
   * @returns {boolean} whether the channel has a finite value at all
   */
  function isKnown(maps, channel) {
    return valuesOf(maps, channel).some(Number.isFinite);
  }

  /**
   * @param {FeatureMaps} maps
   * @param {number} channel
   * @returns {boolean} never true of maps with a single value
   */
  function isConstant(maps, channel) {
    if (maps.height * maps.width === 1) return false;
    return maps.low[channel] === maps.high[channel] && valuesOf(maps, channel).every(Number.isFinite);
  }

  /**
   * @param {FeatureMaps} maps
   * @param {number} channel
   * @returns {number} how far apart two values of the channel are that the 8 bits can tell apart
   */
  function stepOf(maps, channel) {
    return (maps.high[channel] - maps.low[channel]) / (LEVELS - 1);
  }

  /**
   * @param {FeatureMaps} maps
   * @param {number} channel
   * @returns {{x: number, y: number}} column and row of the largest value, the first of several
   */
  function peakOf(maps, channel) {
    const values = valuesOf(maps, channel);
    let best = 0;
    values.forEach((value, index) => {
      if (value > values[best] || Number.isNaN(values[best])) best = index;
    });
    return { x: best % maps.width, y: Math.floor(best / maps.width) };
  }

  /**
   * @param {FeatureMaps} maps
   * @param {number} channel
   * @param {number} x column
   * @param {number} y row
   * @returns {string} the value there, with as many digits as are known
   */
  function read(maps, channel, x, y) {
    return format(valuesOf(maps, channel)[y * maps.width + x], stepOf(maps, channel));
  }

  /**
   * Writes a number with four digits, or as many more as tell values apart that lie `step` apart.
   * @param {number} value
   * @param {number} [step]
   * @returns {string}
   */
  function format(value, step = 0) {
    if (Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) return value > 0 ? "+∞" : "−∞";
    const digits = step > 0 && value ? Math.ceil(Math.log10(Math.abs(value) / step)) + 1 : 0;
    const rounded = Number(value.toPrecision(Math.min(9, Math.max(4, digits))));
    const isExtreme = rounded !== 0 && (Math.abs(rounded) < 1e-4 || Math.abs(rounded) >= 1e6);
    return (isExtreme ? rounded.toExponential() : String(rounded)).replaceAll("-", "−");
  }

  return { valuesOf, momentsOf, isKnown, isConstant, stepOf, peakOf, read, format };
})();
