// activation-gallery: search without a server. A page opened from a folder may not start a Worker,
// so the worker's script runs in a hidden frame that answers to the same messages.
//
// Needs: nothing; it runs before the theme's own scripts.
// Offers: another `Worker`, where the page was opened from a folder.
"use strict";

(() => {
  class FrameWorker extends EventTarget {
    /** @param {string} url of the worker's script */
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "search";
      frame.srcdoc = "<!doctype html>";
      /** @type {Promise<Window & typeof globalThis>} */
      this.ready = new Promise((resolve, reject) => {
        frame.addEventListener("load", () => {
          const inner = /** @type {Window & typeof globalThis} */ (frame.contentWindow);
          inner.postMessage = (/** @type {any} */ data) =>
            this.dispatchEvent(new MessageEvent("message", { data }));
          const script = inner.document.createElement("script");
          script.src = new URL(url, document.baseURI).href;
          script.addEventListener("load", () => resolve(inner));
          script.addEventListener("error", reject);
          inner.document.head.append(script);
        });
      });
      document.body.append(frame);
    }

    /** @param {any} data */
    postMessage(data) {
      this.ready.then((inner) => inner.dispatchEvent(new inner.MessageEvent("message", { data })));
    }
  }

  if (location.protocol === "file:") Object.assign(window, { Worker: FrameWorker });
})();
