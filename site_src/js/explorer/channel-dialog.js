// activation-gallery: the elements of the view of a channel: a dialog with its title, buttons, cards and bar.
//
// Needs: elements.js.
// Offers: `activationGallery.channelDialog`.
"use strict";

/**
 * What the buttons of the dialog do.
 * @typedef {object} ChannelActions
 * @property {(by: -1 | 1) => void} step to another channel
 * @property {(rel: "prev" | "next") => void} stepLayer to the same channel of another layer
 */

/**
 * @typedef {object} ChannelDialog
 * @property {HTMLDialogElement} dialog
 * @property {HTMLElement} title
 * @property {HTMLButtonElement} before to the previous channel
 * @property {HTMLButtonElement} after to the next channel
 * @property {HTMLElement} spoken what a screen reader reads out
 * @property {HTMLElement} cards
 * @property {HTMLElement} bar
 * @property {HTMLElement} rule of the scale
 */

activationGallery.channelDialog = (() => {
  const { make, makeBar } = activationGallery.elements;
  const KEYS = "← → channel · ↑ ↓ layer · Shift and arrows: position · Esc closes";

  /**
   * @param {"prev" | "next"} rel
   * @returns {HTMLAnchorElement | null} the page's link to the layer before or after this one, if it has maps
   */
  function layerLink(rel) {
    return document.querySelector(`.ag-steps a[rel="${rel}"][data-maps]`);
  }

  /**
   * @param {string} text
   * @param {string} label
   * @param {() => void} act
   * @returns {HTMLButtonElement}
   */
  function makeButton(text, label, act) {
    const button = make("button", { type: "button", "aria-label": label }, text);
    button.addEventListener("click", act);
    return button;
  }

  /**
   * @param {"prev" | "next"} rel
   * @param {string} text
   * @param {string} label
   * @param {ChannelActions} actions
   * @returns {HTMLButtonElement}
   */
  function makeLayerButton(rel, text, label, actions) {
    const button = makeButton(text, label, () => actions.stepLayer(rel));
    button.disabled = !layerLink(rel);
    return button;
  }

  /** @returns {HTMLElement} which of many images are here, hidden where all are */
  function makePart() {
    const part = /** @type {HTMLElement | null} */ (document.querySelector(".ag-grids"))?.dataset.part;
    const element = make("p", { class: "ag-quiet", hidden: "" });
    if (part) {
      element.textContent = `Here are the images on this page: ${part}. Their scale covers all images.`;
      element.hidden = false;
    }
    return element;
  }

  /**
   * Puts a closed dialog into the page.
   * @param {ChannelActions} actions
   * @returns {ChannelDialog}
   */
  function makeDialog(actions) {
    const title = make("h2", { id: "ag-channel-title" });
    const before = makeButton("←", "Previous channel", () => actions.step(-1));
    const after = makeButton("→", "Next channel", () => actions.step(1));
    const up = makeLayerButton("prev", "↑", "Previous layer", actions);
    const down = makeLayerButton("next", "↓", "Next layer", actions);
    const close = makeButton("×", "Close", () => dialog.close());
    const head = make("div", { class: "ag-head" }, title, before, after, up, down, close);
    const spoken = make("p", { class: "ag-unseen", role: "status" });
    const cards = make("div", { class: "ag-answers" });
    const bar = makeBar();
    const rule = make("p", { class: "ag-quiet" });
    const keys = make("p", { class: "ag-quiet ag-keys" }, KEYS);
    const dialog = make("dialog", {
      class: "ag-viewer ag-channel",
      "aria-labelledby": title.id,
      tabindex: "-1",
    });
    dialog.append(head, spoken, makePart(), cards, bar, rule, keys);
    document.body.append(dialog);
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    return { dialog, title, before, after, spoken, cards, bar, rule };
  }

  return { layerLink, makeDialog };
})();
