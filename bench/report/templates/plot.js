// Draws one plot as SVG: points with intervals, lines, guides, and a label for each implementation beside it.
const FONT = 12; // pixels
const CHARACTER = 7.2; // about the width of a character at that size
const SYMBOL = 9; // width of a marker

function svgElement(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function scale(axis, start, end) {
  const place = axis.kind === "log" ? Math.log : (value) => value;
  const [low, high] = axis.range.map(place);
  return (value) => start + ((place(value) - low) / (high - low)) * (end - start);
}

function shorten(text, width) {
  const fits = Math.max(3, Math.floor(width / CHARACTER));
  return text.length > fits ? `${text.slice(0, fits - 1)}…` : text;
}

// Returns the axis, longer where a visible point lies beyond its range.
function reaching(axis, values) {
  const [low, high] = axis.range;
  const present = values.filter((value) => value !== null);
  const [minimum, maximum] = [Math.min(...present), Math.max(...present)];
  const pad = axis.kind === "log" ? (value, way) => value * 1.15 ** way : (value, way) => value + (way * (high - low)) / 20;
  return { ...axis, range: [minimum < low ? pad(minimum, -1) : low, maximum > high ? pad(maximum, 1) : high] };
}

let clips = 0;

// Moves heights (pixels) apart so that neighbours have room, within the given range.
function spread(heights, gap, top, bottom) {
  const order = heights.map((_, index) => index).sort((a, b) => heights[a] - heights[b]);
  const placed = heights.slice();
  order.forEach((index, rank) => {
    const minimum = rank ? placed[order[rank - 1]] + gap : top;
    placed[index] = Math.max(placed[index], minimum);
  });
  let maximum = bottom;
  for (const index of order.reverse()) {
    placed[index] = Math.min(placed[index], maximum);
    maximum = placed[index] - gap;
  }
  return placed;
}

function drawTicks(svg, panel, x, y, box) {
  let free = -Infinity;
  const within = (axis) => axis.ticks.filter(([value]) => value >= axis.range[0] && value <= axis.range[1]);
  for (const [value, text] of within(panel.x)) {
    const at = x(value);
    svg.append(svgElement("line", { class: "grid", x1: at, x2: at, y1: box.top, y2: box.bottom }));
    const half = (text.length * CHARACTER) / 2;
    if (at - half < free) continue;
    free = at + half + 6;
    svg.append(svgElement("text", { x: at, y: box.bottom + 16, "text-anchor": "middle" }, text));
  }
  free = Infinity;
  for (const [value, text] of within(panel.y)) {
    const at = y(value);
    svg.append(svgElement("line", { class: "grid", x1: box.left, x2: box.right, y1: at, y2: at }));
    if (at > free) continue;
    free = at - FONT - 2;
    svg.append(svgElement("text", { x: box.left - 6, y: at + 4, "text-anchor": "end" }, text));
  }
  const middle = (box.left + box.right) / 2;
  svg.append(svgElement("text", { class: "soft", x: middle, y: box.bottom + 34, "text-anchor": "middle" }, panel.x.title));
  svg.append(svgElement("text", { class: "soft", x: 0, y: 11 }, panel.y.title));
}

function overlaps(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

// Writes the label of a guide beside its place, a few lines further if another is there, or not at all.
function drawGuideLabel(svg, label, x, y, box, taken) {
  const width = label.text.length * CHARACTER;
  const [atX, atY] = [x(label.at[0]), y(label.at[1])];
  const left = label.anchor === "end" ? atX - width : Math.min(atX, box.right - width);
  for (let step = 0; step < 5; step++) {
    const base = label.below ? atY + 14 + step * FONT : atY - 5 - step * FONT;
    const place = { left, right: left + width, top: base - FONT + 2, bottom: base + 2 };
    const outside = place.left < box.left - 1 || base > box.bottom || base < box.top + FONT - 4;
    if (outside || taken.some((other) => overlaps(place, other))) continue;
    taken.push(place);
    svg.append(svgElement("text", { class: "guide-label", x: left, y: base }, label.text));
    return;
  }
}

function drawSeries(svg, series, style, x, y, muted) {
  const group = svgElement("g", { class: muted ? "series muted" : `series s${style.number}`, "data-name": series.name });
  if (series.line) {
    let path = "";
    let pen = "M";
    series.x.forEach((value, index) => {
      if (series.y[index] === null) pen = "M";
      else {
        path += `${pen}${x(value).toFixed(1)} ${y(series.y[index]).toFixed(1)}`;
        pen = "L";
      }
    });
    group.append(svgElement("path", { class: `line ${style.dash}`, d: path }));
  }
  if (!muted) {
    const every = series.line && !series.texts.length ? Math.ceil(series.x.length / 8) : 1; // markers identify a line without its colour
    series.x.forEach((value, index) => {
      if (series.y[index] === null || index % every) return;
      const [atX, atY] = [x(value), y(series.y[index])];
      if (series.low) {
        const [low, high] = [y(series.low[index]), y(series.high[index])];
        group.append(svgElement("line", { class: "interval", x1: atX, x2: atX, y1: low, y2: high }));
      }
      const move = `translate(${(atX - SYMBOL / 2).toFixed(1)} ${(atY - SYMBOL / 2).toFixed(1)}) scale(${SYMBOL / 16})`;
      const text = svgElement("title", {}, [series.name, series.texts[index]].filter(Boolean).join("\n"));
      group.append(svgElement("path", { class: "point", d: style.outline, transform: move }, text));
    });
  }
  svg.append(group);
}

// Writes the names of the series at the right, each at the height of its last point, moved apart where they are close.
function drawLabels(svg, shown, styles, x, y, box, width) {
  const ends = shown.map((series) => {
    let last = series.x.length - 1;
    while (last > 0 && series.y[last] === null) last--;
    if (!series.line) series.x.forEach((value, index) => (last = value > series.x[last] ? index : last));
    return { x: x(series.x[last]), y: y(series.y[last]) };
  });
  const heights = spread(ends.map((end) => end.y), FONT + 4, box.top, box.bottom - 6);
  shown.forEach((series, index) => {
    const style = styles[series.name];
    const group = svgElement("g", { class: `label s${style.number}` });
    const left = box.right + 8;
    if (series.line) {
      const route = `M${ends[index].x + 5} ${ends[index].y}L${box.right} ${ends[index].y}L${left} ${heights[index]}`;
      group.append(svgElement("path", { class: "leader", d: route }));
    }
    const move = `translate(${left} ${heights[index] - SYMBOL / 2}) scale(${SYMBOL / 16})`;
    group.append(svgElement("path", { class: "point", d: style.outline, transform: move }));
    const text = svgElement("text", { x: left + SYMBOL + 4, y: heights[index] + 4 });
    text.append(shorten(series.name, width - SYMBOL - 14), svgElement("title", {}, series.name));
    group.append(text);
    svg.append(group);
  });
}

function drawPlot(panel, name, styles, visible, width, height) {
  const shown = panel.series.filter((series) => visible.has(series.name));
  const longest = Math.max(0, ...shown.map((series) => series.name.length));
  const labels = Math.min(longest * CHARACTER + SYMBOL + 18, width * 0.36);
  const yText = Math.max(...panel.y.ticks.map(([, text]) => text.length), 1);
  const box = { left: yText * CHARACTER + 12, right: width - labels, top: 30, bottom: height - 40 };
  const xAxis = reaching(panel.x, shown.flatMap((series) => series.x));
  const yAxis = reaching(panel.y, shown.flatMap((series) => [...series.y, ...(series.low ?? []), ...(series.high ?? [])]));
  const [x, y] = [scale(xAxis, box.left, box.right), scale(yAxis, box.bottom, box.top)];
  const described = `${name}${panel.title ? `, ${panel.title}` : ""}: ${shown.map((series) => series.name).join(", ")}`;
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": described });
  drawTicks(svg, { x: xAxis, y: yAxis }, x, y, box);
  const id = `clip-${clips++}`;
  const frame = { x: box.left, y: box.top - 6, width: box.right - box.left + 6, height: box.bottom - box.top + 12 };
  svg.append(svgElement("clipPath", { id }, svgElement("rect", frame)));
  const inside = svgElement("g", { "clip-path": `url(#${id})` });
  svg.append(inside);
  const taken = [];
  for (const guide of panel.guides) {
    const points = guide.x.map((value, index) => `${x(value).toFixed(1)},${y(guide.y[index]).toFixed(1)}`).join(" ");
    inside.append(svgElement("polyline", { class: guide.dotted ? "guide dotted" : "guide", points }));
    if (!guide.dotted) continue;
    // What a frontier joins may be hidden.
    guide.x.forEach((value, index) => {
      inside.append(svgElement("circle", { class: "guide-point", cx: x(value), cy: y(guide.y[index]), r: 2.5 }));
    });
  }
  for (const series of panel.series) {
    if (series.line && !visible.has(series.name)) drawSeries(inside, series, styles[series.name], x, y, true);
  }
  for (const series of shown) drawSeries(inside, series, styles[series.name], x, y, false);
  for (const guide of panel.guides) if (guide.label) drawGuideLabel(svg, guide.label, x, y, box, taken);
  drawLabels(svg, shown, styles, x, y, box, labels);
  return svg;
}
