// activation-gallery: one grid of a page: its picture, and on top of it a canvas once the visitor wants another
// scale, colour map or order. Nothing is loaded before `ready` is called.
//
// Needs: elements.js, maps/*.js, explorer/choice.js, explorer/order.js.
// Offers: `activationGallery.grid`.
"use strict";

/**
 * What one value sees of the input: rows before columns, in pixels of the input.
 * @typedef {object} ReceptiveField
 * @property {boolean} whole whether it sees the whole input
 * @property {[number, number]} size
 * @property {[number, number]} stride from one value to the next
 * @property {[number, number]} start of the first value's; may be negative
 */

/**
 * What the page says of a grid, in its `data-explore`. Paths are below the website's root.
 * @typedef {object} GridFacts
 * @property {string} layer its name
 * @property {string} image its name
 * @property {string} slug of the image
 * @property {string} page of this layer of this image
 * @property {string} layerPage of this layer for all images
 * @property {string} maps the script of its feature maps
 * @property {string} ranges the script of the layer's ranges
 * @property {string} colours the script of the colour maps
 * @property {string} scale that the picture was drawn with
 * @property {number} columns of the grid
 * @property {number} factor that maps were enlarged by
 * @property {string} seen the picture of the input
 * @property {[height: number, width: number]} fed the size of the input
 * @property {ReceptiveField | null} receptive
 */

/**
 * What is loaded for a grid.
 * @typedef {object} GridData
 * @property {FeatureMaps} maps
 * @property {LayerRanges} ranges
 * @property {ColourMaps} colours
 * @property {boolean} negative whether a value of the layer is below zero
 */

/** @typedef {InstanceType<(typeof activationGallery)["grid"]["Grid"]>} Grid */

activationGallery.grid = (() => {
  const { elements, channels, scales, colours, sheet, choice, order } = activationGallery;
  const { loadMaps, loadRanges } = activationGallery.maps;

  /**
   * @param {Node} node
   * @returns {{node: Text, text: string}[]} the text nodes in it, with their text as the page came
   */
  function textsOf(node) {
    return node instanceof Text
      ? [{ node, text: node.data }]
      : [...node.childNodes].flatMap((child) => textsOf(child));
  }

  class Grid {
    /** @type {Promise<GridData> | null} */
    #promise = null;
    /** @type {GridData | null} */
    #data = null;
    #canvas = elements.make("canvas", { hidden: "", "aria-hidden": "true" });
    #frame = elements.make("span", { class: "ag-cell", hidden: "" }); // around the marked cell
    #picture;
    #caption;

    /** @param {HTMLElement} figure */
    constructor(figure) {
      /** @type {GridFacts} */
      this.facts = JSON.parse(/** @type {string} */ (figure.dataset.explore));
      this.link = /** @type {HTMLAnchorElement} */ (figure.querySelector("a"));
      this.link.classList.add("ag-live");
      this.#picture = /** @type {HTMLImageElement} */ (figure.querySelector("img"));
      this.link.append(this.#canvas, this.#frame);
      this.#caption = textsOf(/** @type {HTMLElement} */ (figure.querySelector("figcaption")));
      /** The position of the marked cell in `order`. */
      this.position = 0;
      /** @type {number[]} The channels as they are shown, known when there is data. */
      this.order = [];
    }

    /**
     * Loads what belongs to the grid, once.
     * @returns {Promise<GridData>} rejected where something cannot be read
     */
    ready() {
      this.#promise ??= this.#load();
      return this.#promise;
    }

    async #load() {
      const { facts } = this;
      const [featureMaps, ranges, colourMaps] = await Promise.all([
        loadMaps(facts.maps),
        loadRanges(facts.ranges),
        colours.load(facts.colours),
      ]);
      const negative = ranges.low.some((value) => value < 0);
      this.order = [...featureMaps.low.keys()];
      this.#data = { maps: featureMaps, ranges, colours: colourMaps, negative };
      return this.#data;
    }

    get isReady() {
      return this.#data !== null;
    }

    /** @returns {GridData} once it is loaded */
    get data() {
      if (!this.#data) throw new Error("expected a grid that is loaded: wait for ready() first");
      return this.#data;
    }

    /** @returns {string} what was chosen, also on another page, where it makes sense here */
    get scale() {
      const scale = choice.get().scale ?? this.facts.scale;
      return scale === "symmetric" && !this.data.negative ? this.facts.scale : scale;
    }

    /** @returns {string[]} the names of the colour maps that fit the scale, the one to begin with first */
    get colourMaps() {
      const { tables, diverging, chosen } = this.data.colours;
      if (this.scale === "symmetric") return diverging;
      return [chosen, ...Object.keys(tables).filter((name) => name !== chosen && !diverging.includes(name))];
    }

    /** @returns {string} the name of the colour map in use */
    get colourMap() {
      const wanted = this.scale === "symmetric" ? choice.get().centred : choice.get().colours;
      return this.colourMaps.find((name) => name === wanted) ?? this.colourMaps[0];
    }

    /** @returns {Int32Array} the colours in use */
    get table() {
      return this.data.colours.tables[this.colourMap];
    }

    /** @returns {boolean} whether the picture shows what is wanted */
    get #isAsBuilt() {
      return (
        this.scale === this.facts.scale &&
        this.colourMap === this.data.colours.chosen &&
        choice.get().order === "index"
      );
    }

    /**
     * Shows what was chosen.
     * @param {boolean} single whether the page has one grid
     */
    async draw(single) {
      const { maps, ranges, colours: colourMaps } = await this.ready();
      this.order = order.sort(choice.get().order, maps, ranges, single);
      this.unmark();
      this.#canvas.hidden = this.#isAsBuilt;
      this.#describe();
      if (this.#canvas.hidden) return;
      sheet.draw(this.#canvas, maps, {
        order: this.order,
        columns: this.facts.columns,
        factor: this.facts.factor,
        rangeFor: (channel) => this.rangeOf(channel),
        table: this.table,
        special: colourMaps.special,
      });
    }

    /** The caption tells the scale, so it changes with it. */
    #describe() {
      const words = this.data.colours.scales;
      const [built, now] = [words[this.facts.scale].caption, words[this.scale].caption];
      for (const { node, text } of this.#caption) node.data = text.replace(built, now);
    }

    get #layout() {
      return sheet.layOut(this.data.maps, this.facts.columns, this.facts.factor);
    }

    /**
     * @param {number} channel
     * @returns {ValueRange} the values that get the first and the last colour
     */
    rangeOf(channel) {
      return scales.rangeOf(this.scale, channel, this.data.maps, this.data.ranges);
    }

    /**
     * @param {MouseEvent} event
     * @returns {(Spot & {channel: number}) | null} what lies below the pointer
     */
    locate(event) {
      const { x, y } = elements.shareOf(this.#picture, event);
      const found = this.#layout.find(x, y);
      return found && { ...found, channel: this.order[found.position] };
    }

    /**
     * @param {number} position
     * @returns {HTMLElement} the frame around the cell
     */
    mark(position) {
      sheet.place(this.#frame, this.#layout.boxOf(position));
      this.position = position;
      return this.#frame;
    }

    unmark() {
      this.#frame.hidden = true;
    }

    /**
     * @param {number} channel
     * @returns {number} its mean in this image
     */
    responseOf(channel) {
      return order.responseOf(this.data.ranges, this.facts.slug, channel);
    }

    /**
     * @param {number} channel
     * @param {{x: number, y: number}} place column and row
     * @returns {string} the value there
     */
    read(channel, { x, y }) {
      return channels.read(this.data.maps, channel, x, y);
    }
  }

  return { Grid };
})();
