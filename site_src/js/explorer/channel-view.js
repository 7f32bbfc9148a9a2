// activation-gallery: the view of one channel: for one image large, for several side by side, the strongest
// response first.
//
// Needs: elements.js, maps/*.js, explorer/address.js, channel-dialog.js, grid.js, image-card.js and tip.js.
// Offers: `activationGallery.channelView`.
"use strict";

activationGallery.channelView = (() => {
  const { elements, channels, colours, address, tip, imageCard, channelDialog } = activationGallery;

  /**
   * @param {FeatureMaps} maps
   * @param {{x: number, y: number}} place column and row
   * @returns {Point} the middle of the value there
   */
  function middleOf(maps, { x, y }) {
    return { x: (x + 0.5) / maps.width, y: (y + 0.5) / maps.height };
  }

  /**
   * Several images share one scale, else their responses could not be compared.
   * @param {Grid} grid
   * @param {boolean} single
   */
  function isShared(grid, single) {
    return !single && ["channel", "layer", "zscore"].includes(grid.scale);
  }

  /**
   * @param {Grid} grid
   * @param {number} channel
   * @param {boolean} single
   * @returns {ValueRange} the values that get the first and the last colour in this view
   */
  function rangeHere(grid, channel, single) {
    const { ranges } = grid.data;
    return isShared(grid, single) ? [ranges.low[channel], ranges.high[channel]] : grid.rangeOf(channel);
  }

  /**
   * @param {Grid[]} grids
   * @param {number} channel
   * @returns {Grid[]} the strongest response first; what has no finite value last
   */
  function sortByResponse(grids, channel) {
    /** @param {Grid} grid */
    function response(grid) {
      const isKnown = channels.isKnown(grid.data.maps, channel);
      return isKnown ? grid.responseOf(channel) : Number.NEGATIVE_INFINITY;
    }
    return [...grids].sort((a, b) => response(b) - response(a));
  }

  /**
   * Makes the view for the grids of a page, which are all of one layer.
   * @param {Grid[]} grids
   * @returns {(channel: number | null, at?: {x: number, y: number} | null) => Promise<void>} opens a channel, at
   *   a place of the map where one was pointed at; `null` closes the view
   */
  function makeView(grids) {
    const [first] = grids;
    const single = grids.length === 1;
    const view = channelDialog.makeDialog({ step, stepLayer });
    const { dialog } = view;
    let current = 0;
    /** @type {Point} */
    let marked = { x: 0.5, y: 0.5 };
    let isChosen = false; // whether the visitor has chosen the place; else it is where the response is strongest
    /** @type {ImageCard[]} */
    let cards = [];
    /** @type {HTMLElement | null} */
    let opener = null;
    let pressed = [0, 0]; // where the pointer was when a button or a finger went down
    let rested = [0, 0]; // where it was when the view last listened to it

    /**
     * @param {number | null} channel
     * @param {{x: number, y: number} | null} [at] column and row
     */
    async function open(channel, at = null) {
      if (channel === null) {
        dialog.close();
        return;
      }
      await Promise.all(grids.map((grid) => grid.ready()));
      isChosen = at !== null;
      if (at) marked = middleOf(first.data.maps, at);
      if (!dialog.open) {
        opener = /** @type {HTMLElement | null} */ (document.activeElement);
        address.enter(channel);
        dialog.showModal();
      }
      tip.hide();
      rested = pressed;
      show(channel);
    }

    /** @param {number} channel */
    function show(channel) {
      const { order } = first;
      current = Math.min(Math.max(channel, 0), order.length - 1);
      address.change(current);
      view.title.textContent = `Channel ${current} of ${first.facts.layer}`;
      view.before.disabled = order[0] === current;
      view.after.disabled = order.at(-1) === current;
      keepFocus();
      const sorted = sortByResponse(grids, current);
      if (!isChosen) {
        const { maps } = sorted[0].data;
        marked = middleOf(maps, channels.peakOf(maps, current));
      }
      cards = sorted.map((grid) =>
        imageCard.makeCard(grid, current, rangeHere(grid, current, single), single),
      );
      view.cards.replaceChildren(...cards.map((card) => card.element));
      showScale(sorted[0]);
      mark();
      view.spoken.textContent = `${view.title.textContent}, ${cards[0].words}; ${cards[0].read()}`;
    }

    /** A button that is disabled loses the focus, and the keys with it. */
    function keepFocus() {
      const focused = document.activeElement;
      const isLost = focused instanceof HTMLButtonElement && focused.disabled;
      if (!dialog.contains(focused) || isLost) dialog.focus();
    }

    /** @param {Grid} strongest */
    function showScale(strongest) {
      const [low, high] = rangeHere(strongest, current, single);
      const gradient = colours.gradientOf(first.table);
      elements.labelBar(view.bar, channels.format(low), channels.format(high), gradient);
      view.bar.hidden = grids.every((grid) => channels.isConstant(grid.data.maps, current));
      view.rule.textContent = isShared(first, single)
        ? "One scale for these images: from this channel’s smallest to its largest value in any image."
        : first.data.colours.scales[first.scale].rule;
    }

    /** @param {number} by */
    function step(by) {
      const channel = first.order[first.order.indexOf(current) + by];
      if (channel !== undefined) show(channel);
    }

    /** @param {"prev" | "next"} rel */
    function stepLayer(rel) {
      const link = channelDialog.layerLink(rel);
      if (link) location.href = `${link.href}#c${current}`;
    }

    function mark() {
      for (const card of cards) card.mark(marked);
    }

    /**
     * @param {number} right columns
     * @param {number} down rows
     */
    function movePlace(right, down) {
      const { width, height } = first.data.maps;
      /** @type {(share: number, side: number) => number} */
      const clamp = (share, side) => Math.min(Math.max(share, 0.5 / side), 1 - 0.5 / side);
      marked = { x: clamp(marked.x + right / width, width), y: clamp(marked.y + down / height, height) };
      isChosen = true;
      mark();
      view.spoken.textContent = cards[0].read();
    }

    /**
     * Browsers report a resting pointer again when the page below it changes; keys must not be undone by that.
     * @param {PointerEvent} event
     */
    function point(event) {
      const picture = /** @type {Element} */ (event.target).closest(".ag-map");
      const moved = Math.hypot(event.clientX - rested[0], event.clientY - rested[1]);
      if (!picture || (event.type === "pointermove" && moved < 2)) return;
      rested = [event.clientX, event.clientY];
      marked = elements.shareOf(picture, event);
      isChosen = true;
      mark();
    }

    document.addEventListener("pointerdown", (event) => {
      pressed = [event.clientX, event.clientY];
    });
    view.cards.addEventListener("pointermove", point);
    view.cards.addEventListener("pointerdown", point);
    dialog.addEventListener("keydown", (event) => {
      const arrow = elements.stepOf(event);
      if (!arrow) return;
      event.preventDefault();
      const [right, down] = arrow;
      if (event.shiftKey) movePlace(right, down);
      else if (right) step(right);
      else stepLayer(down < 0 ? "prev" : "next");
    });
    dialog.addEventListener("close", () => {
      address.leave();
      if (opener && opener !== document.body) opener.focus();
      else {
        first.position = first.order.indexOf(current); // who came by a link goes on from its channel
        first.link.focus();
      }
    });
    return open;
  }

  return { makeView };
})();
