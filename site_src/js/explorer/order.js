// activation-gallery: the orders of channels: of one image by its own numbers, of several by the average over
// all images.
//
// Needs: maps/channels.js.
// Offers: `activationGallery.order`.
"use strict";

activationGallery.order = (() => {
  const { valuesOf, momentsOf } = activationGallery.channels;

  /**
   * @param {string} name "index", "mean", "maximum", "variance" or "active"
   * @param {FeatureMaps} maps
   * @param {LayerRanges} ranges
   * @param {boolean} single whether the page has one image
   * @returns {number[]} the channels, but for "index" the largest first
   */
  function sort(name, maps, ranges, single) {
    const channels = [...maps.low.keys()];
    if (name === "index") return channels;
    const scores = channels.map((channel) =>
      single ? scoreOf(name, maps, channel) : averageOf(name, ranges, channel),
    );
    return channels.sort((a, b) => scores[b] - scores[a] || a - b);
  }

  /**
   * @param {string} name
   * @param {FeatureMaps} maps
   * @param {number} channel
   * @returns {number} of the finite values; minus infinity where there are none
   */
  function scoreOf(name, maps, channel) {
    const values = valuesOf(maps, channel).filter(Number.isFinite);
    if (!values.length) return Number.NEGATIVE_INFINITY;
    if (name === "maximum") return maps.high[channel];
    if (name === "active") return values.filter((value) => value > 0).length / values.length;
    const { mean, variance } = momentsOf(maps, channel);
    return name === "mean" ? mean : variance;
  }

  /**
   * @param {string} name
   * @param {LayerRanges} ranges
   * @param {number} channel
   * @returns {number} what is larger where the average over all images is
   */
  function averageOf(name, ranges, channel) {
    if (name === "maximum") return ranges.maximum[channel];
    if (name === "active") return ranges.active[channel];
    if (name === "variance") return ranges.variance[channel];
    return ranges.images.reduce((sum, _, image) => sum + ranges.mean[image * ranges.channels + channel], 0);
  }

  /**
   * @param {LayerRanges} ranges
   * @param {string} image its slug
   * @param {number} channel
   * @returns {number} the mean of a channel in one image
   */
  function responseOf(ranges, image, channel) {
    return ranges.mean[ranges.images.indexOf(image) * ranges.channels + channel];
  }

  return { sort, responseOf };
})();
