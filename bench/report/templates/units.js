// Numbers as text, as units.py writes them: four significant digits and a unit that fits.
const MISSING = "–";
const TIMES = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
const SIZES = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];

function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
  if (!Number.isFinite(value)) return "∞";
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude < 1e-4 || magnitude >= 1e7) {
    return value.toExponential(digits - 1).replace(/e([+-])(\d)$/, "e$10$2");
  }
  const text = value.toPrecision(digits);
  return text.includes("e") || !text.includes(".") ? Math.round(value).toLocaleString("en-US") : text;
}

function unitFor(value, units) {
  return units.find((unit) => value >= unit[0]) ?? units[units.length - 1];
}

function duration(nanoseconds) {
  const [length, symbol] = unitFor(nanoseconds, TIMES);
  return `${number(nanoseconds / length)}\u00a0${symbol}`;
}

function size(bytes) {
  const [length, symbol] = unitFor(bytes, SIZES);
  return `${length > 1 ? number(bytes / length, 3) : Math.trunc(bytes)}\u00a0${symbol}`;
}

function percent(fraction) {
  return `${number(100 * fraction, 3)}\u00a0%`;
}

function ratio(value) {
  if (value === null || value === undefined) return "∞";
  return value >= 0.1 && value < 10 ? value.toFixed(3) : number(value, value < 0.1 ? 3 : 4);
}

function durationInterval(low, high, like) {
  const [length] = unitFor(like, TIMES);
  return `[${number(low / length)}, ${number(high / length)}]`;
}

function ratioInterval(low, high) {
  return `[${ratio(low)}, ${ratio(high)}]`;
}
