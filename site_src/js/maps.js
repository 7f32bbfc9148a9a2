// activation-gallery: loads what the explorer and the compare page need besides their HTML: the scripts that
// they consist of, and the feature maps of layers and their ranges.
//
// Needs: nothing. It is the first of the scripts that share `activationGallery`, the only name they add.
// Offers: `activationGallery`, and in it `maps`.
//
// A page opened from a folder may neither fetch its neighbours nor import modules from them. So everything comes
// from classic scripts. One with data calls `agData` with one value, which is kept until the load is over.
"use strict";

/**
 * The feature maps of one layer for one image.
 * @typedef {object} FeatureMaps
 * @property {number} height of one map, in values
 * @property {number} width of one map, in values
 * @property {number} channels
 * @property {Float32Array} values channel after channel, row after row
 * @property {Float32Array} low the smallest finite value of each channel
 * @property {Float32Array} high the largest finite value of each channel
 */

/**
 * What is known of a layer's channels over all images. All but `images` and `mean` have one number a channel.
 * @typedef {object} LayerRanges
 * @property {string[]} images their slugs
 * @property {number} channels
 * @property {Float32Array} low the smallest value in any image
 * @property {Float32Array} high the largest value in any image
 * @property {Float32Array} mean the mean of each channel in each image, image after image
 * @property {Float32Array} maximum average over the images, as are the next two
 * @property {Float32Array} variance
 * @property {Float32Array} active the share of values above zero
 */

const activationGallery = {};

activationGallery.maps = (() => {
  // The scripts of each page, in the order of loading: a script may use the parts of those before it.
  const SHARED = ["maps/channels", "maps/scales", "maps/colours", "maps/sheet"];
  const SCRIPTS = {
    explorer: [
      ...SHARED,
      "explorer/choice",
      "explorer/order",
      "explorer/grid",
      "explorer/tip",
      "explorer/reading",
      "explorer/legend",
      "explorer/controls",
      "explorer/address",
      "explorer/image-card",
      "explorer/channel-dialog",
      "explorer/channel-view",
    ],
    compare: [...SHARED, "compare/difference", "compare/pane"],
  };

  const LEVELS = 240; // these four as in generator/render/palette.py; 241 is a constant channel
  const NOT_A_NUMBER = 242;
  const PLUS_INFINITY = 243;
  const MINUS_INFINITY = 244;

  // The website's root: this script lies in js/ below it.
  const root = new URL("..", /** @type {HTMLScriptElement} */ (document.currentScript).src);
  /** @type {Map<string, Promise<any>>} what a script handed over, by its path */
  const scripts = new Map();
  /** @type {Map<HTMLOrSVGScriptElement | null, any>} what scripts handed over that are being loaded */
  const received = new Map();
  /** @type {Map<string, Promise<FeatureMaps>>} by path, so that each is decoded once */
  const decoded = new Map();

  Object.assign(window, {
    agData: (/** @type {any} */ value) => received.set(document.currentScript, value),
  });

  /**
   * Runs a script, once.
   * @param {string} path below the website's root
   * @param {boolean} [inOrder] whether it has to wait for those asked for before
   * @returns {Promise<any>} what it handed over, if anything
   */
  function loadScript(path, inOrder = false) {
    const known = scripts.get(path);
    if (known) return known;
    const promise = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(path, root).href;
      script.async = !inOrder;
      script.addEventListener("load", () => {
        resolve(received.get(script));
        received.delete(script);
      });
      script.addEventListener("error", () => reject(new Error(`${path} cannot be read`)));
      document.head.append(script);
    });
    scripts.set(path, promise);
    return promise;
  }

  /**
   * Runs the scripts of a page, in their order.
   * @param {keyof typeof SCRIPTS} page
   * @returns {Promise<any>} fulfilled when all have run, rejected where one cannot be read
   */
  function loadParts(page) {
    return Promise.all(SCRIPTS[page].map((name) => loadScript(`js/${name}.js`, true)));
  }

  /**
   * @param {string} text base64
   * @returns {Uint8Array<ArrayBuffer>}
   */
  function toBytes(text) {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }

  /**
   * @param {string} text base64 of little-endian float32
   * @returns {Float32Array}
   */
  function toFloats(text) {
    return new Float32Array(toBytes(text).buffer);
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} bytes zlib's format
   * @returns {Promise<Uint8Array>}
   */
  async function inflate(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /**
   * @param {string} path of the script of one layer for one image
   * @returns {Promise<FeatureMaps>}
   */
  async function decodeMaps(path) {
    const data = await loadScript(path);
    const [height, width, channels] = data.shape;
    const [low, high] = [toFloats(data.low), toFloats(data.high)];
    const levels = await inflate(toBytes(data.levels));
    const area = height * width;
    const values = new Float32Array(levels.length);
    for (let channel = 0; channel < channels; channel += 1) {
      const step = (high[channel] - low[channel]) / (LEVELS - 1);
      for (let index = channel * area; index < (channel + 1) * area; index += 1) {
        values[index] = toValue(levels[index], low[channel], step);
      }
    }
    return { height, width, channels, values, low, high };
  }

  /**
   * @param {number} level
   * @param {number} low the value of level 0
   * @param {number} step between the values of two levels
   * @returns {number}
   */
  function toValue(level, low, step) {
    if (level === NOT_A_NUMBER) return Number.NaN;
    if (level === PLUS_INFINITY) return Number.POSITIVE_INFINITY;
    if (level === MINUS_INFINITY) return Number.NEGATIVE_INFINITY;
    return level < LEVELS ? low + level * step : low;
  }

  /**
   * @param {string} path of the script of one layer for one image
   * @returns {Promise<FeatureMaps>}
   */
  function loadMaps(path) {
    const promise = decoded.get(path) ?? decodeMaps(path);
    decoded.set(path, promise);
    return promise;
  }

  /**
   * @param {string} path of the script of one layer for all images
   * @returns {Promise<LayerRanges>}
   */
  async function loadRanges(path) {
    const data = await loadScript(path);
    const low = toFloats(data.low);
    return {
      images: data.images,
      channels: low.length,
      low,
      high: toFloats(data.high),
      mean: toFloats(data.mean),
      maximum: toFloats(data.maximum),
      variance: toFloats(data.variance),
      active: toFloats(data.active),
    };
  }

  return {
    LEVELS,
    root,
    supported: "DecompressionStream" in window,
    loadScript,
    loadParts,
    toBytes,
    loadMaps,
    loadRanges,
  };
})();
