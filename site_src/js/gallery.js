// activation-gallery: plays the animations and opens pictures large. Without it, both are plain links.
//
// Needs: nothing.
// Offers: nothing.
"use strict";

(() => {
  /**
   * @param {MouseEvent} event
   * @returns {boolean} whether the visitor wants the link in another tab or window
   */
  function isForBrowser({ ctrlKey, metaKey, shiftKey }) {
    return ctrlKey || metaKey || shiftKey;
  }

  /**
   * @param {string} className
   * @param {string} text
   * @returns {HTMLButtonElement}
   */
  function makeButton(className, text) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = className;
    button.textContent = text;
    return button;
  }

  /**
   * An animation shows its still until it is played; pausing brings the still back, so nothing moves.
   * @param {HTMLElement} figure
   */
  function makePlayer(figure) {
    const link = /** @type {HTMLAnchorElement} */ (figure.querySelector(".ag-stage a"));
    const image = /** @type {HTMLImageElement} */ (link.querySelector("img"));
    const still = image.getAttribute("src") ?? "";
    const animation = link.getAttribute("href") ?? "";
    const title = figure.dataset.title;
    const button = makeButton("ag-play", "");

    /** @param {boolean} playing */
    function show(playing) {
      image.src = playing ? animation : still;
      figure.classList.toggle("ag-playing", playing);
      button.setAttribute("aria-label", `${playing ? "Pause" : "Play"} the animation: ${title}`);
      button.textContent = playing ? "❚❚" : "▶";
    }

    function toggle() {
      show(!figure.classList.contains("ag-playing"));
    }

    button.addEventListener("click", toggle);
    link.addEventListener("click", (event) => {
      if (isForBrowser(event)) return;
      event.preventDefault();
      toggle();
    });
    link.after(button);
    show(false);
  }

  /**
   * One dialog for all pictures of a page. It enlarges by whole factors, so that every value stays a square;
   * what is larger than the window is moved about in it.
   * @param {HTMLAnchorElement[]} links to the pictures, each around a small one
   */
  function makeViewer(links) {
    const dialog = document.createElement("dialog");
    dialog.className = "ag-viewer";
    dialog.setAttribute("aria-label", "Enlarged picture");
    const image = document.createElement("img");
    image.className = "ag-crisp";
    const caption = document.createElement("p");
    const close = makeButton("ag-close", "×");
    close.setAttribute("aria-label", "Close");
    const pan = document.createElement("div");
    pan.className = "ag-pan";
    pan.append(image);
    dialog.append(pan, caption, close);
    document.body.append(dialog);
    let current = 0;

    function fit() {
      const room = Math.min(
        (window.innerWidth * 0.9) / image.naturalWidth,
        (window.innerHeight * 0.84) / image.naturalHeight,
      );
      image.style.width = `${image.naturalWidth * Math.max(1, Math.floor(room))}px`;
    }

    /** @param {number} index counted in a circle */
    function show(index) {
      current = (index + links.length) % links.length;
      const thumbnail = /** @type {HTMLImageElement} */ (links[current].querySelector("img"));
      image.alt = thumbnail.alt;
      image.src = links[current].getAttribute("href") ?? "";
      caption.textContent = thumbnail.alt;
    }

    image.addEventListener("load", fit);
    window.addEventListener("resize", fit);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => links[current].focus());
    dialog.addEventListener("keydown", (event) => {
      const isArrow = event.key === "ArrowRight" || event.key === "ArrowLeft";
      if (!isArrow || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      show(current + (event.key === "ArrowRight" ? 1 : -1));
    });
    links.forEach((link, index) => {
      link.addEventListener("click", (event) => {
        if (isForBrowser(event)) return;
        event.preventDefault();
        show(index);
        dialog.showModal();
      });
    });
  }

  document.querySelector(".md-search")?.setAttribute("aria-label", "Search"); // the theme gives it no name
  /** @type {NodeListOf<HTMLElement>} */
  const players = document.querySelectorAll(".ag-player");
  players.forEach(makePlayer);
  /** @type {NodeListOf<HTMLAnchorElement>} */
  const zoomable = document.querySelectorAll("a.ag-zoom");
  if (zoomable.length) makeViewer([...zoomable]);
})();
