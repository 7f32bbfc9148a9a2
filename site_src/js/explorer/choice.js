// activation-gallery: what the visitor chose, kept while stepping through pages.
//
// Needs: maps.js.
// Offers: `activationGallery.choice`.
"use strict";

/**
 * In all but `order`, `null` stands for how the site was built.
 * @typedef {object} Choice
 * @property {string | null} scale
 * @property {string | null} colours a colour map
 * @property {string | null} centred a colour map for the scale around zero: only there does a middle mean something
 * @property {string} order
 */

activationGallery.choice = (() => {
  const KEY = "activation-gallery";

  /** @returns {Partial<Choice>} */
  function recall() {
    try {
      return JSON.parse(/** @type {string} */ (sessionStorage.getItem(KEY))) ?? {};
    } catch {
      return {}; // no storage in this browser: each page starts anew
    }
  }

  /** @type {Readonly<Choice>} */
  let current = { scale: null, colours: null, centred: null, order: "index", ...recall() };

  /** @returns {Readonly<Choice>} */
  function get() {
    return current;
  }

  /** @param {Partial<Choice>} changes */
  function change(changes) {
    current = { ...current, ...changes };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(current));
    } catch {
      // as above
    }
  }

  return { get, change };
})();
