// activation-gallery: makes and reads elements of a page, for the explorer and the compare page.
//
// Needs: maps.js.
// Offers: `activationGallery.elements`.
"use strict";

/**
 * A place on an element, in shares of its width and height.
 * @typedef {{x: number, y: number}} Point
 */

activationGallery.elements = (() => {
  /**
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {Record<string, string>} [attributes]
   * @param {...(Node | string)} children strings become text
   * @returns {HTMLElementTagNameMap[Tag]}
   */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  /**
   * @param {string} title
   * @param {Iterable<[value: string, text: string]>} options
   * @param {Record<string, string>} [attributes]
   * @returns {{label: HTMLLabelElement, select: HTMLSelectElement}} the select lies in its label
   */
  function makeSelect(title, options, attributes = {}) {
    const select = make("select", attributes);
    for (const [value, text] of options) select.append(make("option", { value }, text));
    return { label: make("label", {}, `${title} `, select), select };
  }

  /** @returns {HTMLElement} a colour bar: words or numbers at both ends of a gradient */
  function makeBar() {
    const ends = [make("span"), make("span", { class: "ag-gradient" }), make("span")];
    return make("div", { class: "ag-bar" }, ...ends);
  }

  /**
   * @param {Element} bar
   * @param {string} low
   * @param {string} high
   * @param {string} gradient CSS
   */
  function labelBar(bar, low, high, gradient) {
    const [first, middle, last] = /** @type {Iterable<HTMLElement>} */ (bar.children);
    first.textContent = low;
    last.textContent = high;
    middle.style.background = gradient;
  }

  /**
   * @param {Element} element
   * @param {MouseEvent} event
   * @returns {Point} where the pointer is on the element
   */
  function shareOf(element, { clientX, clientY }) {
    const box = element.getBoundingClientRect();
    return { x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height };
  }

  /** @type {Record<string, [right: number, down: number]>} */
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  /**
   * @param {KeyboardEvent} event
   * @returns {[right: number, down: number] | undefined} how many columns and rows an arrow key asks for;
   *   undefined for other keys, and where the browser means it
   */
  function stepOf({ key, ctrlKey, metaKey, altKey }) {
    if (ctrlKey || metaKey || altKey) return undefined;
    return ARROWS[key];
  }

  /**
   * Lets a plain click do something else than follow the link, which it does where that fails, as it does
   * where values cannot be loaded.
   * @param {HTMLAnchorElement} link
   * @param {(event: MouseEvent) => Promise<void>} act
   */
  function onPlainClick(link, act) {
    /** @param {MouseEvent} event */
    function listener(event) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      act(event).catch(() => {
        location.href = link.href;
      });
    }
    link.addEventListener("click", listener, { capture: true });
  }

  return { make, makeSelect, makeBar, labelBar, shareOf, stepOf, onPlainClick };
})();
