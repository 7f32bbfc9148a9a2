// activation-gallery: what the explorer and the compare page both make of a page's elements.
// biome-ignore lint/correctness/noUnusedVariables: the scripts of the pages use it
const activationElements = (() => {
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // A colour bar: words or numbers at both ends of a gradient.
  function makeBar() {
    const ends = [make("span"), make("span", { class: "ag-gradient" }), make("span")];
    return make("div", { class: "ag-bar" }, ...ends);
  }

  function labelBar(bar, low, high, gradient) {
    const [first, middle, last] = bar.children;
    [first.textContent, last.textContent] = [low, high];
    middle.style.background = gradient;
  }

  // Where a pointer is on an element, in shares of its width and height.
  function shareOf(element, { clientX, clientY }) {
    const box = element.getBoundingClientRect();
    return { x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height };
  }

  // What an arrow key asks for: [columns to the right, rows down]; undefined where the browser means it.
  function stepOf({ key, ctrlKey, metaKey, altKey }) {
    if (ctrlKey || metaKey || altKey) return undefined;
    return { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  }

  return { make, makeBar, labelBar, shareOf, stepOf };
})();
