// activation-gallery: scales, which say the values that get the first and the last colour.
//
// Needs: maps/channels.js.
// Offers: `activationGallery.scales`.
"use strict";

/**
 * The smallest and the largest value of something.
 * @typedef {[low: number, high: number]} ValueRange
 */

activationGallery.scales = (() => {
  const { momentsOf } = activationGallery.channels;

  /**
   * @param {Float32Array} low
   * @param {Float32Array} high
   * @returns {ValueRange}
   */
  function extremesOf(low, high) {
    return [low.reduce((a, b) => Math.min(a, b)), high.reduce((a, b) => Math.max(a, b))];
  }

  /**
   * @param {string} scale "channel", "layer", "images", "symmetric" or "zscore"
   * @param {number} channel
   * @param {FeatureMaps} maps
   * @param {LayerRanges} ranges
   * @returns {ValueRange} the values that get the first and the last colour of the channel
   */
  function rangeOf(scale, channel, maps, ranges) {
    if (scale === "layer") return extremesOf(maps.low, maps.high);
    if (scale === "images") return extremesOf(ranges.low, ranges.high);
    if (scale === "symmetric") {
      const largest = Math.max(...extremesOf(ranges.low, ranges.high).map(Math.abs));
      return [-largest, largest];
    }
    if (scale === "zscore") {
      const { mean, variance } = momentsOf(maps, channel);
      const deviation = Math.sqrt(variance);
      return [mean - 2 * deviation, mean + 2 * deviation];
    }
    return [maps.low[channel], maps.high[channel]];
  }

  return { rangeOf };
})();
