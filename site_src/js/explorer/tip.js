// activation-gallery: the tip beside the pointer, and the same in words for those who step by keys.
//
// Needs: elements.js.
// Offers: `activationGallery.tip`.
"use strict";

activationGallery.tip = (() => {
  const { make } = activationGallery.elements;
  const tip = make("p", { class: "ag-tip", hidden: "" });
  const spoken = make("p", { class: "ag-unseen", role: "status" });

  /** Puts both into the page, where nothing is shown yet. */
  function attach() {
    document.body.append(tip, spoken);
  }

  /**
   * Shows a text beside a place of the window, inside it.
   * @param {string} text
   * @param {number} x
   * @param {number} y
   */
  function show(text, x, y) {
    tip.textContent = text;
    tip.hidden = false;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const isBelow = y + 18 + tip.offsetHeight <= window.innerHeight;
    tip.style.left = `${Math.max(8, Math.min(x + 14, room))}px`;
    tip.style.top = `${isBelow ? y + 18 : y - 12 - tip.offsetHeight}px`;
  }

  function hide() {
    tip.hidden = true;
  }

  /** @param {string} text is read out by a screen reader */
  function speak(text) {
    spoken.textContent = text;
  }

  function showUnreadable() {
    show("The values could not be loaded.", 8, 8);
  }

  return { attach, show, hide, speak, showUnreadable };
})();
