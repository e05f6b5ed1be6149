// The table of all results. Only the rows in view are elements of the page; sorting and filtering work on columns.
(() => {
  const ROW = 34; // pixels, as in style.css
  const SPARE = 12; // rows drawn above and below the view
  const MAX_PRINTED = 500; // rows of a printed page
  const { count, columns } = JSON.parse(document.getElementById("results-data").textContent);
  const byName = new Map(columns.map((column) => [column.name, column]));
  const [view, table] = [document.getElementById("viewport"), document.getElementById("table")];
  const [form, shownCount] = [document.getElementById("filters"), document.getElementById("shown")];
  const details = document.getElementById("record");
  const body = table.tBodies[0];
  const choices = [...form.querySelectorAll("select")];
  const search = form.elements.text;
  const boxes = [...form.querySelectorAll("input[name=column]")];
  let order = Uint32Array.from({ length: count }, (_, row) => row);
  let sorted = { name: "", descending: false };
  let active = -1; // position of the row that the keyboard is on
  let [first, last] = [0, 0];

  // Ratios and verdicts follow the baselines that the reader has chosen in the matrices.
  function takeRatios() {
    const [ratios, verdicts] = [byName.get("ratio"), byName.get("verdict")];
    for (const key of ["value", "low", "high"]) ratios[key] = new Array(count).fill(null);
    verdicts.value = new Array(count).fill("");
    for (const matrix of matrices.values()) {
      const { data, baseline } = matrix;
      const { estimate, low, high, verdicts: letters } = data.ratios[baseline];
      data.rows.forEach((row, cell) => {
        if (row < 0) return;
        [ratios.value[row], ratios.low[row], ratios.high[row]] = [estimate[cell], low[cell], high[cell]];
        const isBaseline = data.implementations[cell % data.implementations.length] === baseline;
        verdicts.value[row] = isBaseline ? "baseline" : VERDICTS[letters[cell]];
      });
    }
  }

  const shownColumns = () => columns.filter((column) => column.shown);

  function sortRows() {
    if (!sorted.name) {
      order.sort();
      return;
    }
    const keys = Float64Array.from(sortKeys(byName.get(sorted.name)));
    const direction = sorted.descending ? -1 : 1;
    order.sort((a, b) => {
      const [left, right] = [keys[a], keys[b]];
      if (left === right) return a - b;
      if (Number.isNaN(left) || Number.isNaN(right)) {
        return Number.isNaN(left) - Number.isNaN(right) || a - b;
      }
      return direction * (left - right);
    });
  }

  function filterRows() {
    const tests = search.value.toLowerCase().split(/\s+/).filter(Boolean).map((term) => termTest(columns, term));
    for (const choice of choices.filter(({ value }) => value)) {
      const column = byName.get(choice.name);
      if (column.form === "verdict") tests.push((row) => column.value[row] === choice.value);
      else {
        const wanted = column.words.indexOf(choice.value);
        tests.push((row) => column.index[row] === wanted);
      }
    }
    const kept = [];
    for (let row = 0; row < count; row++) if (tests.every((test) => test(row))) kept.push(row);
    order = Uint32Array.from(kept);
  }

  function announce() {
    const rows = order.length === count ? `${count} rows` : `${order.length} of ${count} rows`;
    const column = byName.get(sorted.name);
    const direction = sorted.descending ? "descending" : "ascending";
    shownCount.textContent = column ? `${rows}, sorted by ${column.heading}, ${direction}` : rows;
  }

  function update() {
    filterRows();
    sortRows();
    active = Math.min(active, order.length - 1);
    table.setAttribute("aria-rowcount", String(order.length + 1));
    announce();
    draw(true);
  }

  function widthOf(column) {
    let longest = column.heading.length + 2;
    const step = Math.max(1, Math.floor(count / 200));
    for (let row = 0; row < count; row += step) {
      const [text, aside] = columnParts(column, row);
      longest = Math.max(longest, text.length + (aside ? aside.length + 1 : 0));
    }
    return 0.85 * Math.min(longest, column.name === "notes" ? 64 : 44); // most characters are narrower than a 0
  }

  function drawHead() {
    const chosen = shownColumns();
    const group = table.querySelector("colgroup");
    const widths = chosen.map(widthOf);
    group.replaceChildren(
      ...widths.map((width) => {
        const column = document.createElement("col");
        column.style.width = `calc(${width.toFixed(1)}ch + 1.25rem)`;
        return column;
      }),
    );
    table.style.minWidth = `calc(${widths.reduce((a, b) => a + b, 0).toFixed(1)}ch + ${1.25 * widths.length}rem)`;
    table.setAttribute("aria-colcount", String(chosen.length));
    table.tHead.rows[0].replaceChildren(
      ...chosen.map((column) => {
        const head = document.createElement("th");
        head.scope = "col";
        head.dataset.name = column.name;
        head.className = isNumeric(column) ? "num" : "";
        if (sorted.name === column.name) head.setAttribute("aria-sort", sorted.descending ? "descending" : "ascending");
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = column.heading;
        if (column.hint) button.title = column.hint;
        button.addEventListener("click", () => sortBy(column.name));
        head.append(button);
        return head;
      }),
    );
  }

  function sortBy(name) {
    sorted = { name, descending: sorted.name === name && !sorted.descending };
    address.set({ sort: (sorted.descending ? "-" : "") + name });
    sortRows();
    announce();
    drawHead();
    draw(true);
    table.querySelector(`th[data-name="${CSS.escape(name)}"] button`)?.focus();
  }

  function rowElement(position, chosen) {
    const row = order[position];
    const element = document.createElement("tr");
    element.id = `row-${position}`;
    element.dataset.position = String(position);
    element.setAttribute("aria-rowindex", String(position + 2));
    if (byName.get("status") && word(byName.get("status"), row) !== "passed") element.className = "failed";
    if (position === active) element.setAttribute("aria-selected", "true");
    for (const column of chosen) {
      const cell = document.createElement("td");
      const [text, aside] = columnParts(column, row);
      cell.className = `${isNumeric(column) ? "num" : ""} ${column.form === "verdict" ? text.replace(" ", "-") : ""}`.trim();
      cell.append(text);
      if (aside) {
        const small = document.createElement("span");
        small.className = "aside";
        small.textContent = ` ${aside}`;
        cell.append(small);
      }
      if (column.form === "text") cell.title = text;
      element.append(cell);
    }
    return element;
  }

  function spacer(rows) {
    const element = document.createElement("tr");
    element.className = "spacer";
    element.setAttribute("aria-hidden", "true");
    element.style.height = `${rows * ROW}px`;
    return element;
  }

  function draw(force, all = false) {
    const head = table.tHead.offsetHeight;
    const from = all ? 0 : Math.max(0, Math.floor(view.scrollTop / ROW) - SPARE);
    const end = all ? MAX_PRINTED : Math.ceil((view.scrollTop + view.clientHeight - head) / ROW) + SPARE;
    const to = Math.min(order.length, end);
    if (!force && from === first && to === last) return;
    [first, last] = [from, to];
    const chosen = shownColumns();
    const rows = Array.from({ length: Math.max(0, to - from) }, (_, index) => rowElement(from + index, chosen));
    body.replaceChildren(spacer(from), ...rows, spacer(all ? 0 : order.length - to));
    if (active >= from && active < to) table.setAttribute("aria-activedescendant", `row-${active}`);
    else table.removeAttribute("aria-activedescendant");
  }

  function activate(position) {
    if (!order.length) return;
    active = Math.max(0, Math.min(order.length - 1, position));
    const top = active * ROW;
    const room = view.clientHeight - table.tHead.offsetHeight;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + ROW > view.scrollTop + room) view.scrollTop = top + ROW - room;
    draw(true);
  }

  const KEYS = ["run", "workload", "target", "implementation", "case"].filter((name) => byName.has(name));
  const rowKey = (row) => KEYS.map((name) => word(byName.get(name), row)).join("/");

  function showDetails(row, focus = true) {
    address.set({ row: rowKey(row) });
    const title = document.createElement("h3");
    title.tabIndex = -1;
    title.textContent = `${word(byName.get("implementation"), row)}: ${word(byName.get("case"), row) || "(defaults)"}`;
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close";
    close.addEventListener("click", closeDetails);
    const link = document.createElement("a");
    link.href = `#results?row=${encodeURIComponent(rowKey(row))}`;
    link.textContent = "Link to this row";
    const list = document.createElement("dl");
    for (const column of columns) {
      const [text, aside] = columnParts(column, row);
      if (text === MISSING) continue;
      const pair = document.createElement("div");
      const [term, value] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = column.heading;
      value.textContent = [text, aside].filter(Boolean).join(" ");
      pair.append(term, value);
      list.append(pair);
    }
    const actions = document.createElement("p");
    actions.append(link, " ", close);
    details.replaceChildren(title, actions, list);
    details.hidden = false;
    if (focus) title.focus();
  }

  function closeDetails() {
    details.hidden = true;
    address.set({ row: "" });
    table.focus();
  }

  function readAddress() {
    const sort = address.get("sort");
    const name = sort.replace(/^-/, "");
    sorted = byName.has(name) ? { name, descending: sort.startsWith("-") } : { name: "", descending: false };
    search.value = address.get("text");
    for (const choice of choices) choice.value = address.get(choice.name);
    const wanted = address.get("columns");
    if (wanted) for (const column of columns) column.shown = wanted.split(",").includes(column.name);
    for (const box of boxes) box.checked = byName.get(box.value).shown;
    takeRatios();
    drawHead();
    update();
    const key = address.get("row");
    const row = key ? Array.from({ length: count }, (_, index) => index).find((index) => rowKey(index) === key) : undefined;
    if (row === undefined) {
      details.hidden = true;
      return;
    }
    const position = order.indexOf(row);
    if (position >= 0) activate(position);
    showDetails(row, false);
  }

  function filtersChanged() {
    address.set({ text: search.value, ...Object.fromEntries(choices.map((choice) => [choice.name, choice.value])) });
    view.scrollTop = 0;
    update();
  }

  search.addEventListener("input", filtersChanged);
  for (const choice of choices) choice.addEventListener("change", filtersChanged);
  form.querySelector(".columns").addEventListener("change", (event) => {
    byName.get(event.target.value).shown = event.target.checked;
    address.set({ columns: shownColumns().map((column) => column.name).join(",") });
    drawHead();
    draw(true);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  view.addEventListener("scroll", () => draw(false), { passive: true });
  addEventListener("resize", () => draw(true));
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-position]");
    if (!row) return;
    activate(Number(row.dataset.position));
    showDetails(order[active]);
  });
  table.addEventListener("keydown", (event) => {
    if (event.target !== table) return;
    const page = Math.max(1, Math.floor(view.clientHeight / ROW) - 2);
    const moves = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: order.length - 1,
    };
    if (event.key in moves) {
      event.preventDefault();
      activate(moves[event.key]);
    } else if (event.key === "Enter" && active >= 0) showDetails(order[active]);
  });
  details.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeDetails();
  });
  document.addEventListener("baseline", () => {
    takeRatios();
    update();
  });
  address.onChange(readAddress);
  addEventListener("beforeprint", () => draw(true, true));
  addEventListener("afterprint", () => draw(true));
  offerDownloads(document.querySelector("#results .downloads"), "results", () => {
    const value = (column, row) => {
      if (column.form === "text") return word(column, row);
      return column.value[row] ?? "";
    };
    const beside = (column) => Object.keys(column).filter((key) => key !== "value" && Array.isArray(column[key]));
    const fields = columns.flatMap((column) => [
      { name: column.name, of: (row) => value(column, row) },
      ...(column.form === "text" ? [] : beside(column)).map((key) => ({
        name: column.form === "ratio" ? `ratio_${key}` : key,
        of: (row) => column[key][row],
      })),
    ]);
    return { header: fields.map(({ name }) => name), rows: Array.from(order, (row) => fields.map(({ of }) => of(row))) };
  });
  readAddress();
})();
