// activation-gallery: the legend of a page: the numbers at the ends of its colour bar, and the rule of its scale.
//
// Needs: elements.js, maps/channels.js, maps/colours.js, explorer/grid.js.
// Offers: `activationGallery.legend`.
"use strict";

activationGallery.legend = (() => {
  const { elements, channels, colours } = activationGallery;

  /**
   * @param {Grid} grid
   * @param {boolean} single whether the page has one grid
   * @param {number} [channel]
   * @returns {string[]} numbers for a channel, or where one scale covers all that is shown; else words
   */
  function describeEnds(grid, single, channel) {
    const { low, high } = grid.data.colours.scales[grid.scale];
    const isCovered = ["images", "symmetric"].includes(grid.scale) || (single && grid.scale === "layer");
    if (channel === undefined && !isCovered) return [low, high];
    return grid.rangeOf(channel ?? 0).map((end) => channels.format(end));
  }

  /**
   * @param {Element} legend
   * @param {boolean} single whether the page has one grid
   * @returns {{showEnds: (grid: Grid, channel?: number) => void, showRule: (grid: Grid) => void}}
   */
  function makeLegend(legend, single) {
    const bar = /** @type {Element} */ (legend.querySelector(".ag-bar"));
    const rule = /** @type {Element} */ (legend.querySelector(".ag-rule"));

    /**
     * @param {Grid} grid
     * @param {number} [channel] that the numbers are of
     */
    function showEnds(grid, channel) {
      const [low, high] = describeEnds(grid, single, channel);
      elements.labelBar(bar, low, high, colours.gradientOf(grid.table));
    }

    /** @param {Grid} grid */
    function showRule(grid) {
      rule.textContent = grid.data.colours.scales[grid.scale].rule;
    }

    return { showEnds, showRule };
  }

  return { makeLegend };
})();
