// activation-gallery: two images against each other on the compare page, and what differs between them.
// The table below has every grid; from it come the layers and images to choose from.
//
// Needs: maps.js, which loads the parts in compare/, and elements.js.
// Offers: nothing.
"use strict";

(() => {
  /**
   * The form, what it leads to, and what is said about that.
   * @typedef {object} Comparison
   * @property {HTMLFormElement} form
   * @property {HTMLElement} panel for the panes
   * @property {HTMLElement} status
   * @property {Record<"layer" | "one" | "other" | "scale", HTMLSelectElement>} selects
   */

  /** @type {[value: string, text: string][]} */
  const SCALES = [
    ["channel", "each channel"],
    ["layer", "the layer"],
  ];

  /** @param {GridFacts[]} facts of every grid in the table, of two images or more */
  function start(facts) {
    const { form, panel, status, selects } = makeSection(facts);
    let asked = 0; // counts comparisons: one that loads slowly must not replace a later one

    async function compare() {
      asked += 1;
      const mine = asked;
      const [one, other] = [selects.one.value, selects.other.value].map(
        (slug) =>
          /** @type {GridFacts} */ (
            facts.find((each) => each.slug === slug && each.ranges === selects.layer.value)
          ),
      );
      const { maps, colours, channels, difference, pane } = activationGallery;
      const [first, second, colourMaps] = await Promise.all([
        maps.loadMaps(one.maps),
        maps.loadMaps(other.maps),
        colours.load(one.colours),
      ]);
      if (mine !== asked) return;
      if (first.values.length !== second.values.length || first.width !== second.width) {
        panel.replaceChildren();
        status.textContent =
          "These maps differ in size, since the pictures do: there is nothing to subtract.";
        return;
      }
      const subtracted = difference.subtract(first, second);
      const contents = contentsOf(one, other, [first, second, subtracted], colourMaps);
      const panes = contents.map((content) => pane.makePane(content, one, colourMaps.special));
      panel.replaceChildren(...panes.map((each) => each.element));
      pane.listen(panes, one, (text) => {
        status.textContent = text;
      });
      const largest = channels.format(difference.largestOf(subtracted));
      status.textContent = `The largest difference is ${largest}. Point at a grid to read all three; click, or press Enter, to see the channel for all images. Arrow keys choose a channel, with Shift a place.`;
    }

    /**
     * @param {GridFacts} one
     * @param {GridFacts} other
     * @param {[FeatureMaps, FeatureMaps, FeatureMaps]} maps of both, and what differs
     * @param {ColourMaps} colourMaps
     * @returns {PaneContent[]}
     */
    function contentsOf(one, other, [first, second, subtracted], colourMaps) {
      const { difference } = activationGallery;
      const table = colourMaps.tables[colourMaps.chosen];
      const centred = colourMaps.tables[colourMaps.diverging[0]];
      /** @param {number} channel */
      const rangeFor = (channel) => difference.sharedRange(first, second, selects.scale.value, channel);
      return [
        { title: one.image, maps: first, table, rangeFor },
        { title: other.image, maps: second, table, rangeFor },
        {
          title: `${one.image} − ${other.image}`,
          maps: subtracted,
          table: centred,
          flags: false, // a difference of zero everywhere is no channel that is constant
          rangeFor: (channel) => difference.symmetricRange(subtracted, selects.scale.value, channel),
        },
      ];
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      compare();
    });
    form.addEventListener("change", () => {
      if (panel.children.length) compare();
    });
  }

  /**
   * Puts the section into the page, above the table.
   * @param {GridFacts[]} facts
   * @returns {Comparison}
   */
  function makeSection(facts) {
    const { make, makeSelect } = activationGallery.elements;
    const images = new Map(facts.map((each) => [each.slug, each.image]));
    const layers = new Map(facts.map((each) => [each.ranges, each.layer]));
    const [firstImage, secondImage] = images.keys();
    const form = make("form", { class: "ag-controls" });

    /**
     * @param {string} title
     * @param {Iterable<[value: string, text: string]>} options
     * @param {string} chosen
     */
    function addSelect(title, options, chosen) {
      const { label, select } = makeSelect(title, options);
      select.value = chosen;
      form.append(label);
      return select;
    }

    const selects = {
      layer: addSelect("Layer", layers, [...layers.keys()][0]),
      one: addSelect("Image", images, firstImage),
      other: addSelect("against", images, secondImage),
      scale: addSelect("Scale", SCALES, "channel"),
    };
    form.append(make("button", { type: "submit" }, "Compare"));
    const panel = make("div", { class: "ag-against" });
    const status = make("p", { class: "ag-quiet", role: "status" });
    const section = make("section", { "data-search-exclude": "" });
    section.append(make("h2", { id: "against" }, "Two images against each other"), form, panel, status);
    const { part } = /** @type {HTMLElement} */ (document.querySelector(".ag-compare")).dataset;
    if (part)
      form.before(make("p", { class: "ag-quiet" }, `To choose from are the images on this page: ${part}.`));
    /** @type {Element} */ (document.querySelector(".ag-scroll")).before(section);
    return { form, panel, status, selects };
  }

  /** @type {NodeListOf<HTMLElement>} */
  const cells = document.querySelectorAll(".ag-compare td[data-explore]");
  const facts = Array.from(cells, (cell) => JSON.parse(/** @type {string} */ (cell.dataset.explore)));
  const images = new Set(facts.map((each) => each.slug));
  if (images.size >= 2 && activationGallery.maps.supported) {
    const doNothing = () => undefined; // where a part cannot be read, there is the table alone
    activationGallery.maps.loadParts("compare").then(() => start(facts), doNothing);
  }
})();
