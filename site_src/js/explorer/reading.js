// activation-gallery: reads channel, place and value off a grid, by pointer and by keys, and opens channels.
//
// Needs: elements.js, maps/channels.js, explorer/grid.js, explorer/tip.js.
// Offers: `activationGallery.reading`.
"use strict";

/**
 * What a grid asks of its page.
 * @typedef {object} GridPage
 * @property {(grid: Grid, channel?: number) => void} showEnds labels the colour bar
 * @property {(channel: number, at: {x: number, y: number} | null) => Promise<void>} open opens a channel, at a
 *   place of its map where one was pointed at
 */

activationGallery.reading = (() => {
  const { elements, channels, tip } = activationGallery;

  /**
   * @param {Grid} grid
   * @param {GridPage} page
   */
  function listen(grid, page) {
    const { link } = grid;
    let wanted = 0; // counts what was asked for: values that come late must not undo what came after

    /**
     * Marks and reads the place that `find` returns once there are values, unless something else came first.
     * @param {() => (Spot & {channel: number}) | null} find
     * @returns {Promise<{text: string, frame: HTMLElement} | null>}
     */
    async function look(find) {
      wanted += 1;
      const mine = wanted;
      try {
        await grid.ready();
      } catch {
        return null;
      }
      const found = mine === wanted ? find() : null;
      if (!found) return null;
      const { channel, x, y, position } = found;
      const frame = grid.mark(position);
      page.showEnds(grid, channel);
      return { frame, text: `channel ${channel} · row ${y}, column ${x} · ${grid.read(channel, found)}` };
    }

    /** @param {PointerEvent} event */
    async function point(event) {
      const found = await look(() => grid.locate(event));
      if (found) tip.show(found.text, event.clientX, event.clientY);
    }

    function leave() {
      wanted += 1;
      grid.unmark();
      tip.hide();
      if (grid.isReady) page.showEnds(grid);
    }

    /** @param {number} position of a cell, whose channel is read where its value is largest */
    async function step(position) {
      const found = await look(() => {
        if (position < 0 || position >= grid.order.length) return null;
        const channel = grid.order[position];
        return { position, channel, ...channels.peakOf(grid.data.maps, channel) };
      });
      if (!found) return;
      found.frame.scrollIntoView({ block: "nearest", behavior: "instant" });
      const box = found.frame.getBoundingClientRect();
      tip.show(found.text, box.right, box.bottom);
      tip.speak(found.text);
    }

    link.addEventListener("pointermove", point);
    link.addEventListener("pointerleave", leave);
    link.addEventListener("blur", leave);
    link.addEventListener("focus", () => {
      if (link.matches(":focus-visible")) step(grid.position);
    });
    link.addEventListener("keydown", (event) => {
      if (event.key === "Escape") leave();
      const arrow = elements.stepOf(event);
      if (!arrow || event.shiftKey) return;
      event.preventDefault();
      step(grid.position + arrow[0] + arrow[1] * grid.facts.columns);
    });
    elements.onPlainClick(link, async (event) => {
      await grid.ready();
      if (event.detail === 0)
        await page.open(grid.order[grid.position], null); // by the Enter key
      else {
        const found = grid.locate(event);
        if (found) await page.open(found.channel, found);
      }
    });
  }

  return { listen };
})();
