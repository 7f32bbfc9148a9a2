// activation-gallery: the switches for all grids of a page: scale, colours and order.
//
// Needs: elements.js, explorer/choice.js, explorer/grid.js, explorer/tip.js.
// Offers: `activationGallery.controls`.
"use strict";

activationGallery.controls = (() => {
  const { elements, choice, tip } = activationGallery;

  /** @type {[value: string, text: string][]} */
  const SCALES = [
    ["channel", "each channel"],
    ["layer", "the layer, this image"],
    ["images", "the layer, all images"],
    ["symmetric", "symmetric around zero"],
  ];
  /** @type {[value: string, text: string][]} */
  const ORDERS = [
    ["index", "index"],
    ["mean", "mean"],
    ["maximum", "maximum"],
    ["variance", "variance"],
    ["active", "share above zero"],
  ];

  /**
   * @param {Grid} grid the first of the page
   * @param {() => Promise<void>} redraw shows what was chosen
   * @returns {{form: HTMLFormElement, refresh: () => void}} `refresh` offers what is known to make sense once
   *   the grid is loaded: the names of colour maps, and a scale around zero where there is anything below it
   */
  function makeControls(grid, redraw) {
    const form = elements.make("form", { class: "ag-controls", "data-search-exclude": "" });
    form.addEventListener("submit", (event) => event.preventDefault());

    /**
     * @param {string} name
     * @param {string} title
     * @param {[value: string, text: string][]} options
     */
    function addSelect(name, title, options) {
      const { label, select } = elements.makeSelect(title, options, { name });
      form.append(label);
      return select;
    }

    const builtScale = grid.facts.scale;
    const isKnown = SCALES.some(([value]) => value === builtScale);
    const scale = addSelect("scale", "Scale", isKnown ? SCALES : [[builtScale, "as drawn"], ...SCALES]);
    const colours = addSelect("colours", "Colours", [["", "as drawn"]]);
    const order = addSelect("order", "Order by", ORDERS);
    scale.value = choice.get().scale ?? builtScale;
    order.value = choice.get().order;

    function refresh() {
      const options = grid.colourMaps.map((name) => elements.make("option", { value: name }, name));
      colours.replaceChildren(...options);
      colours.value = grid.colourMap;
      if (!grid.data.negative) scale.querySelector("option[value=symmetric]")?.remove();
      scale.value = grid.scale;
    }

    /** @param {Partial<Choice>} changes */
    async function update(changes) {
      choice.change(changes);
      await redraw();
    }

    const prepare = () => grid.ready().then(refresh, tip.showUnreadable);
    form.addEventListener("focusin", prepare, { once: true });
    form.addEventListener("pointerenter", prepare, { once: true });
    scale.addEventListener("change", () =>
      update({ scale: scale.value === builtScale ? null : scale.value }),
    );
    colours.addEventListener("change", () =>
      update({ [grid.scale === "symmetric" ? "centred" : "colours"]: colours.value }),
    );
    order.addEventListener("change", () => update({ order: order.value }));
    return { form, refresh };
  }

  return { makeControls };
})();
