// The ratios of one case, or their geometric means, with their intervals.
function forestRows(matrix, value) {
  const { data, baseline } = matrix;
  const rows = data.implementations.map((name, implementation) => {
    if (name === baseline) return { name, estimate: 1, low: 1, high: 1, kind: "baseline", note: "baseline" };
    if (value === "") {
      const mean = data.means[baseline][name];
      if (!mean) return null;
      const [estimate, low, high, count] = mean;
      const note = count === data.cases.length ? "" : `${count} of ${data.cases.length} cases`;
      return { name, estimate, low, high, kind: "mean", note };
    }
    const cell = Number(value) * data.implementations.length + implementation;
    const { kind } = cellState(matrix, cell, implementation);
    const { estimate, low, high } = data.ratios[baseline];
    if (estimate[cell] === null) return null;
    return { name, estimate: estimate[cell], low: low[cell], high: high[cell], kind, note: kind.replace("-", " ") };
  });
  return rows.filter(Boolean).sort((a, b) => a.estimate - b.estimate);
}

function drawForest(matrix) {
  const place = matrix.element.querySelector(".forest");
  const value = matrix.element.querySelector("select[name=case]").value;
  const rows = forestRows(matrix, value);
  const width = Math.min(640, place.clientWidth || 560);
  const lineHeight = 34;
  const height = rows.length * lineHeight + 38;
  const narrow = width < 480;
  const names = Math.min(Math.max(...rows.map((row) => row.name.length)) * CHARACTER + 8, width * 0.32);
  const texts = narrow ? 132 : 178;
  const box = { left: names + 4, right: width - texts - 12, top: 4, bottom: height - 34 };
  const ends = rows.flatMap((row) => [row.estimate, row.low, row.high ?? row.estimate]).filter((end) => end > 0);
  const [low, high] = [Math.min(0.95, ...ends) / 1.05, Math.max(1.05, ...ends) * 1.05];
  const axis = { kind: "log", range: [low, high] };
  const x = scale(axis, box.left, box.right);
  const described = `Ratios to ${matrix.baseline}: ${rows.map((row) => `${row.name} ${ratio(row.estimate)}`).join(", ")}`;
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": described });
  const margin = 1 + matrix.data.margin;
  const [from, to] = [x(1 / margin), x(margin)];
  svg.append(svgElement("rect", { class: "margin", x: from, y: box.top, width: to - from, height: box.bottom - box.top }));
  const labelled = [];
  const ticks = [1, 0.01, 0.1, 10, 100, 0.5, 2, 0.2, 5, 0.05, 20, 0.02, 50].filter((tick) => tick >= low && tick <= high);
  for (const tick of ticks) {
    const at = x(tick);
    svg.append(svgElement("line", { class: tick === 1 ? "one" : "grid", x1: at, x2: at, y1: box.top, y2: box.bottom }));
    if (labelled.some((other) => Math.abs(other - at) < 30)) continue;
    labelled.push(at);
    svg.append(svgElement("text", { x: at, y: box.bottom + 14, "text-anchor": "middle" }, String(tick)));
  }
  svg.append(svgElement("text", { class: "soft", x: 0, y: box.bottom + 28 }, `latency / latency of ${matrix.baseline}; further left is faster`));
  rows.forEach((row, index) => {
    const y = box.top + index * lineHeight + lineHeight / 2;
    const group = svgElement("g", { class: `ratio ${row.kind}` });
    const name = svgElement("text", { x: names, y: y + 4, "text-anchor": "end" }, shorten(row.name, names));
    name.append(svgElement("title", {}, row.name));
    group.append(name);
    const end = row.high === null ? box.right : x(row.high);
    group.append(svgElement("line", { class: "interval", x1: x(Math.max(row.low, low)), x2: end, y1: y, y2: y }));
    group.append(svgElement("circle", { class: "point", cx: x(row.estimate), cy: y, r: 4.5 }));
    const text = svgElement("text", { x: width - texts, y: row.note ? y : y + 4 });
    text.append(svgElement("tspan", { class: "estimate" }, ratio(row.estimate)));
    if (row.kind !== "baseline") text.append(` ${ratioInterval(row.low, row.high)}`);
    if (row.note) text.append(svgElement("tspan", { class: "soft", x: width - texts, dy: 14 }, row.note));
    group.append(text);
    svg.append(group);
  });
  place.replaceChildren(svg);
}

for (const [number, matrix] of matrices) {
  const baseline = matrix.element.querySelector("select[name=baseline]");
  const choice = matrix.element.querySelector("select[name=case]");
  baseline.addEventListener("change", () => {
    chooseBaseline(matrix, baseline.value);
    address.set({ [`baseline-${number}`]: baseline.value === matrix.data.baseline ? "" : baseline.value });
    document.dispatchEvent(new CustomEvent("baseline"));
  });
  choice.addEventListener("change", () => chooseCase(matrix, choice.value));
  const apply = () => chooseBaseline(matrix, address.get(`baseline-${number}`));
  apply();
  address.onChange(apply);
  addEventListener("resize", () => drawForest(matrix));
  const { data } = matrix;
  offerDownloads(matrix.element.querySelector(".downloads"), fileName(data.title, data.run, "ratios"), () => ({
    header: ["case", "implementation", "baseline", "ratio", "low", "high", "verdict", "note"],
    rows: data.cases.flatMap(({ slug }, index) =>
      data.implementations.map((name, implementation) => {
        const cell = index * data.implementations.length + implementation;
        const ratios = data.ratios[matrix.baseline];
        const reason = ratios.reasons.words[ratios.reasons.cells[cell]];
        const verdict = name === matrix.baseline ? "baseline" : VERDICTS[ratios.verdicts[cell]];
        return [slug, name, matrix.baseline, ratios.estimate[cell], ratios.low[cell], ratios.high[cell], verdict, reason];
      }),
    ),
  }));
}
