// activation-gallery: loads a layer's values and colours them. Knows nothing of the page around it.
//
// Values come from scripts, since a page opened from a folder may not fetch its neighbours. Each script
// calls `agData` with one value, which is kept at its own element until the load is over.
// biome-ignore lint/correctness/noUnusedVariables: the scripts of the pages use it
const activationMaps = (() => {
  const LEVELS = 240; // these four as in generator/raster.py; 241 is a constant channel
  const NOT_A_NUMBER = 242;
  const PLUS_INFINITY = 243;
  const MINUS_INFINITY = 244;
  const CELL_GAP = 1;
  const root = new URL("..", document.currentScript.src);
  const scripts = new Map();
  const opened = new Map();

  window.agData = (value) => {
    document.currentScript.received = value;
  };

  function loadScript(path) {
    if (!scripts.has(path)) {
      const promise = new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(path, root).href;
        script.addEventListener("load", () => resolve(script.received));
        script.addEventListener("error", () => reject(new Error(`${path} cannot be read`)));
        document.head.append(script);
      });
      scripts.set(path, promise);
    }
    return scripts.get(path);
  }

  function toBytes(text) {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }

  function toFloats(text) {
    return new Float32Array(toBytes(text).buffer);
  }

  async function inflate(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  // A layer's values for one image: Float32Array, channel after channel, row after row.
  async function openMaps(path) {
    const data = await loadScript(path);
    const [height, width, channels] = data.shape;
    const [low, high] = [toFloats(data.low), toFloats(data.high)];
    const levels = await inflate(toBytes(data.levels));
    const area = height * width;
    const values = new Float32Array(levels.length);
    for (let channel = 0; channel < channels; channel += 1) {
      const step = (high[channel] - low[channel]) / (LEVELS - 1);
      for (let at = channel * area; at < (channel + 1) * area; at += 1) {
        values[at] = toValue(levels[at], low[channel], step);
      }
    }
    return { height, width, channels, values, low, high };
  }

  function toValue(level, low, step) {
    if (level === NOT_A_NUMBER) return Number.NaN;
    if (level === PLUS_INFINITY) return Number.POSITIVE_INFINITY;
    if (level === MINUS_INFINITY) return Number.NEGATIVE_INFINITY;
    return level < LEVELS ? low + level * step : low;
  }

  function loadMaps(path) {
    if (!opened.has(path)) opened.set(path, openMaps(path));
    return opened.get(path);
  }

  async function loadRanges(path) {
    const data = await loadScript(path);
    const ranges = { images: data.images };
    for (const name of ["low", "high", "mean", "maximum", "variance", "active"])
      ranges[name] = toFloats(data[name]);
    ranges.channels = ranges.low.length;
    return ranges;
  }

  // Colours as 32-bit numbers in the order of a canvas's bytes.
  function packColour([red, green, blue]) {
    return (255 << 24) | (blue << 16) | (green << 8) | red;
  }

  async function loadColours(path) {
    const data = await loadScript(path);
    const tables = {};
    for (const [name, text] of Object.entries(data.tables)) {
      const bytes = toBytes(text);
      tables[name] = Int32Array.from({ length: LEVELS }, (_, level) =>
        packColour(bytes.subarray(3 * level, 3 * level + 3)),
      );
    }
    const special = {};
    for (const [name, colour] of Object.entries(data.special)) special[name] = packColour(colour);
    return { ...data, tables, special };
  }

  function extremesOf(low, high) {
    return [low.reduce((a, b) => Math.min(a, b)), high.reduce((a, b) => Math.max(a, b))];
  }

  // The values that get the first and the last colour of one channel.
  function rangeOf(scale, channel, maps, ranges) {
    if (scale === "layer") return extremesOf(maps.low, maps.high);
    if (scale === "images") return extremesOf(ranges.low, ranges.high);
    if (scale === "symmetric") {
      const largest = Math.max(...extremesOf(ranges.low, ranges.high).map(Math.abs));
      return [-largest, largest];
    }
    if (scale === "zscore") {
      const { mean, deviation } = momentsOf(maps, channel);
      return [mean - 2 * deviation, mean + 2 * deviation];
    }
    return [maps.low[channel], maps.high[channel]];
  }

  function channelOf(maps, channel) {
    const area = maps.height * maps.width;
    return maps.values.subarray(channel * area, (channel + 1) * area);
  }

  function momentsOf(maps, channel) {
    const finite = channelOf(maps, channel).filter(Number.isFinite);
    const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
    const variance = finite.reduce((sum, value) => sum + (value - mean) ** 2, 0) / finite.length;
    return { mean, deviation: Math.sqrt(variance) };
  }

  // Whether a channel has a finite value at all.
  function isKnown(maps, channel) {
    return channelOf(maps, channel).some(Number.isFinite);
  }

  // How far apart two values of a channel are that the 8 bits can tell apart.
  function stepOf(maps, channel) {
    return (maps.high[channel] - maps.low[channel]) / (LEVELS - 1);
  }

  function isConstant(maps, channel) {
    if (maps.height * maps.width === 1) return false;
    const values = channelOf(maps, channel);
    return maps.low[channel] === maps.high[channel] && values.every(Number.isFinite);
  }

  function colourOf(value, low, extent, table, special) {
    if (Number.isFinite(value)) {
      const share = extent > 0 ? (value - low) / extent : 0;
      return table[Math.round(Math.min(1, Math.max(0, share)) * (LEVELS - 1))];
    }
    if (Number.isNaN(value)) return special.notANumber;
    return value > 0 ? special.plusInfinity : special.minusInfinity;
  }

  // Where things lie on a sheet of cells with lines between, in shares of its width and height.
  function layOut({ width, height, channels }, columns, factor) {
    const [cellWidth, cellHeight] = [width * factor + CELL_GAP, height * factor + CELL_GAP];
    const sheetWidth = columns * cellWidth + CELL_GAP;
    const sheetHeight = Math.ceil(channels / columns) * cellHeight + CELL_GAP;

    // The cell and the value at a place, `null` where there is none; a line belongs to the cell before it.
    function find(shareX, shareY) {
      const left = Math.max(0, shareX * sheetWidth - CELL_GAP);
      const top = Math.max(0, shareY * sheetHeight - CELL_GAP);
      const [column, row] = [Math.floor(left / cellWidth), Math.floor(top / cellHeight)];
      const position = row * columns + column;
      if (column >= columns || position >= channels) return null;
      const x = Math.min(width - 1, Math.floor((left - column * cellWidth) / factor));
      const y = Math.min(height - 1, Math.floor((top - row * cellHeight) / factor));
      return { position, x, y };
    }

    function boxOf(position) {
      return {
        left: ((position % columns) * cellWidth) / sheetWidth,
        top: (Math.floor(position / columns) * cellHeight) / sheetHeight,
        width: (cellWidth + CELL_GAP) / sheetWidth,
        height: (cellHeight + CELL_GAP) / sheetHeight,
      };
    }

    return { find, boxOf };
  }

  // Shows an element over a part of its container, given in shares, so that it stays in place at any size.
  function place(element, box) {
    for (const [side, share] of Object.entries(box)) element.style[side] = `${100 * share}%`;
    element.hidden = false;
  }

  // Draws channels into a canvas, row after row, every value as `factor` × `factor` pixels, with lines between.
  // Constant channels are flagged unless `flags` is false.
  function drawGrid(
    canvas,
    maps,
    { order, columns, factor, gap = CELL_GAP, rangeFor, table, special, flags = true },
  ) {
    const [cellWidth, cellHeight] = [maps.width * factor + gap, maps.height * factor + gap];
    canvas.width = columns * cellWidth + gap;
    canvas.height = Math.ceil(order.length / columns) * cellHeight + gap;
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    const pixels = new Int32Array(image.data.buffer);
    order.forEach((channel, position) => {
      const left = gap + (position % columns) * cellWidth;
      const top = gap + Math.floor(position / columns) * cellHeight;
      const [low, high] = rangeFor(channel);
      const values = channelOf(maps, channel);
      const constant = flags && isConstant(maps, channel);
      for (let y = 0; y < maps.height * factor; y += 1) {
        const row = Math.floor(y / factor) * maps.width;
        const start = (top + y) * canvas.width + left;
        for (let x = 0; x < maps.width; x += 1) {
          const value = values[row + x];
          const colour = constant ? special.constant : colourOf(value, low, high - low, table, special);
          pixels.fill(colour, start + x * factor, start + (x + 1) * factor);
        }
      }
    });
    context.putImageData(image, 0, 0);
  }

  // A CSS gradient with the colours of a table.
  function gradientOf(table) {
    const stops = Array.from({ length: 13 }, (_, index) => {
      const colour = table[Math.round((index * (LEVELS - 1)) / 12)];
      return `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
    });
    return `linear-gradient(to right, ${stops.join(", ")})`;
  }

  // Writes a number with four digits, or as many more as tell values apart that lie `step` apart.
  function format(value, step = 0) {
    if (Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) return value > 0 ? "+∞" : "−∞";
    const digits = step > 0 && value ? Math.ceil(Math.log10(Math.abs(value) / step)) + 1 : 0;
    const text = Number(value.toPrecision(Math.min(9, Math.max(4, digits))));
    const small = text !== 0 && (Math.abs(text) < 1e-4 || Math.abs(text) >= 1e6);
    return (small ? text.toExponential() : String(text)).replaceAll("-", "−");
  }

  return {
    supported: "DecompressionStream" in window,
    root,
    loadMaps,
    loadRanges,
    loadColours,
    rangeOf,
    channelOf,
    isKnown,
    stepOf,
    isConstant,
    layOut,
    place,
    drawGrid,
    gradientOf,
    format,
  };
})();
