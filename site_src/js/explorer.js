// activation-gallery: the explorer of a page with grids: reads values off them, recolours and reorders them, and
// opens a channel large. This script puts its parts together.
//
// Needs: maps.js, which loads the parts in explorer/, and elements.js.
// Offers: nothing.
//
// No data is loaded before a grid is pointed at, focused or changed; without this script grids are pictures.
"use strict";

(() => {
  const HINT =
    "Point at a map to read its values, click or press Enter to see the channel large; arrow keys step.";

  /** @param {HTMLElement[]} figures of one layer, each with a grid; one or more */
  function start(figures) {
    const { elements, choice, grid, tip, reading, legend, controls, address, channelView } =
      activationGallery;
    const grids = figures.map((figure) => new grid.Grid(figure));
    const [first] = grids;
    const single = grids.length === 1;
    const place = /** @type {Element} */ (document.querySelector(".ag-legend"));
    const { showEnds, showRule } = legend.makeLegend(place, single);
    const drawWhenSeen = makeWatcher(grids, (each) => each.draw(single).catch(tip.showUnreadable));
    const open = channelView.makeView(grids);
    const { form, refresh } = controls.makeControls(first, redraw);

    async function redraw() {
      drawWhenSeen();
      await first.ready();
      refresh();
      showEnds(first);
      showRule(first);
    }

    const hint = elements.make(
      "p",
      { class: "ag-quiet ag-hint", id: "ag-hint", "data-search-exclude": "" },
      HINT,
    );
    place.before(form, hint);
    tip.attach();
    for (const each of grids) {
      each.link.setAttribute("aria-describedby", hint.id);
      reading.listen(each, { showEnds, open });
    }
    openSingleChannels(open);
    const chosen = choice.get();
    if (chosen.scale || chosen.colours || chosen.order !== "index") redraw().catch(tip.showUnreadable);
    const openAddressed = () => open(address.channelOf()).catch(tip.showUnreadable);
    window.addEventListener("popstate", openAddressed);
    openAddressed();
  }

  /**
   * Only what is seen, or nearly, is loaded and drawn.
   * @param {Grid[]} grids
   * @param {(grid: Grid) => void} draw
   * @returns {() => void} has all grids drawn once they are seen
   */
  function makeWatcher(grids, draw) {
    /** @type {Map<Element, Grid>} */
    const byLink = new Map(grids.map((grid) => [grid.link, grid]));
    const watcher = new IntersectionObserver(
      (entries) => {
        for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
          watcher.unobserve(target);
          draw(/** @type {Grid} */ (byLink.get(target)));
        }
      },
      { rootMargin: "200px" },
    );
    return () => {
      for (const { link } of grids) {
        watcher.unobserve(link);
        watcher.observe(link);
      }
    };
  }

  /**
   * A single channel's picture opens the same view as its cell in the grid.
   * @param {(channel: number) => Promise<void>} open
   */
  function openSingleChannels(open) {
    /** @type {NodeListOf<HTMLElement>} */
    const figures = document.querySelectorAll(".ag-wall figure");
    for (const figure of figures) {
      const link = /** @type {HTMLAnchorElement} */ (figure.querySelector("a"));
      activationGallery.elements.onPlainClick(link, () => open(Number(figure.id.slice(1))));
    }
  }

  /** @type {NodeListOf<HTMLElement>} */
  const figures = document.querySelectorAll("figure[data-explore]");
  if (figures.length && activationGallery.maps.supported) {
    const doNothing = () => undefined; // where a part cannot be read, grids remain pictures
    activationGallery.maps.loadParts("explorer").then(() => start([...figures]), doNothing);
  }
})();
