// activation-gallery: what differs between two images' feature maps of a layer, and the scales to show it on.
//
// Needs: maps.js.
// Offers: `activationGallery.difference`.
"use strict";

activationGallery.difference = (() => {
  /**
   * @param {FeatureMaps} one
   * @param {FeatureMaps} other of the same size
   * @returns {FeatureMaps} one minus other; `low` and `high` include zero
   */
  function subtract(one, other) {
    const values = one.values.map((value, index) => value - other.values[index]);
    const area = one.width * one.height;
    const low = new Float32Array(one.channels);
    const high = new Float32Array(one.channels);
    for (let channel = 0; channel < one.channels; channel += 1) {
      const finite = values.subarray(channel * area, (channel + 1) * area).filter(Number.isFinite);
      low[channel] = finite.reduce((least, value) => Math.min(least, value), 0);
      high[channel] = finite.reduce((most, value) => Math.max(most, value), 0);
    }
    return { ...one, values, low, high };
  }

  /**
   * @param {FeatureMaps} one
   * @param {FeatureMaps} other
   * @param {string} scale "channel" or "layer"
   * @param {number} channel
   * @returns {ValueRange} of both images together, so that equal colours are equal values
   */
  function sharedRange(one, other, scale, channel) {
    const channels = scale === "layer" ? [...one.low.keys()] : [channel];
    const low = channels.map((each) => Math.min(one.low[each], other.low[each]));
    const high = channels.map((each) => Math.max(one.high[each], other.high[each]));
    return [low.reduce((a, b) => Math.min(a, b)), high.reduce((a, b) => Math.max(a, b))];
  }

  /**
   * @param {FeatureMaps} difference
   * @param {string} scale "channel" or "layer"
   * @param {number} channel
   * @returns {ValueRange} with zero in the middle
   */
  function symmetricRange(difference, scale, channel) {
    const [low, high] = sharedRange(difference, difference, scale, channel);
    const largest = Math.max(-low, high);
    return [-largest, largest];
  }

  /**
   * @param {FeatureMaps} difference
   * @returns {number} the largest, in either direction
   */
  function largestOf(difference) {
    return Math.max(...difference.high, ...difference.low.map((value) => -value));
  }

  return { subtract, sharedRange, symmetricRange, largestOf };
})();
