// activation-gallery: the channel in the address, as in …#c37, and the steps back that belong to it.
//
// Needs: maps.js.
// Offers: `activationGallery.address`.
"use strict";

activationGallery.address = (() => {
  /** @returns {number | null} the channel that the address names */
  function channelOf() {
    const match = /^#c(\d+)$/.exec(location.hash);
    return match && Number(match[1]);
  }

  /**
   * Going back closes the view of a channel, unless the visitor came by a link to it.
   * @param {number} channel
   */
  function enter(channel) {
    if (channelOf() === null) history.pushState({ channel: true }, "", `#c${channel}`);
  }

  /** @param {number} channel takes the place of the channel that was shown */
  function change(channel) {
    history.replaceState(history.state, "", `#c${channel}`);
  }

  /** Leaves the view of a channel by the way that it was entered. */
  function leave() {
    if (history.state?.channel) history.back();
    else history.replaceState(null, "", location.pathname + location.search);
  }

  return { channelOf, enter, change, leave };
})();
