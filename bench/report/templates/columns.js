// The columns of the table of results: how each form is shown, sorted and searched.
const collator = new Intl.Collator("en", { numeric: true });
const VERDICT_ORDER = ["faster", "cannot tell", "baseline", "slower"];

const word = (column, row) => column.words[column.index[row]] ?? "";
const finite = (value) => (value === "inf" ? Infinity : value === "-inf" ? -Infinity : value);
const FORMS = {
  text: (column, row) => [word(column, row)],
  verdict: (column, row) => [column.value[row]],
  ratio: ({ value, low, high }, row) => [ratio(value[row]), ratioInterval(low[row], high[row])],
  duration: ({ value, latency_low_ns: low, latency_high_ns: high }, row) => [
    duration(value[row]),
    durationInterval(low[row], high[row], value[row]),
  ],
  memory: ({ value, prepared_bytes: prepared, driver_bytes: driver }, row) => [
    size(value[row] + prepared[row]),
    `${size(value[row])} + ${size(prepared[row])}${driver && driver[row] !== null ? `; driver ${size(driver[row])}` : ""}`,
  ],
  millions: ({ value }, row) => [number(value[row] / 1e6)],
  percent: ({ value }, row) => [percent(value[row])],
  hundredths: ({ value }, row) => [Number.isFinite(finite(value[row])) ? (100 * value[row]).toFixed(2) : MISSING],
  error: ({ value, tolerance }, row) => [
    number(finite(value[row]), 2),
    tolerance && tolerance[row] !== null ? `≤ ${tolerance[row]}` : "",
  ],
  number: ({ value }, row) => [number(finite(value[row]))],
};

function columnParts(column, row) {
  if (column.value && column.value[row] === null) return [MISSING];
  const [text, aside] = FORMS[column.form](column, row);
  return [text === "" ? MISSING : text, aside];
}

const isNumeric = (column) => !["text", "verdict"].includes(column.form) || column.numeric === true;

function sortKeys(column) {
  if (column.form === "verdict") return column.value.map((text) => (text === "" ? NaN : VERDICT_ORDER.indexOf(text)));
  if (column.form === "text") {
    const ranks = column.words.map((text, index) => [text, index]);
    ranks.sort(([a], [b]) => (column.numeric ? Number(a) - Number(b) : collator.compare(a, b)));
    const rank = new Array(column.words.length);
    ranks.forEach(([, index], position) => (rank[index] = position));
    return column.index.map((index) => (index < 0 ? NaN : rank[index]));
  }
  if (column.form === "memory") {
    return column.value.map((value, row) => (value === null ? NaN : value + column.prepared_bytes[row]));
  }
  return column.value.map((value) => (value === null ? NaN : Number(finite(value))));
}

// A term such as groups=4 asks for a parameter of the case; any other is looked for in all texts.
function termTest(columns, term) {
  const [name, value] = term.split("=", 2);
  const parameter = value !== undefined ? columns.find((column) => column.name === name) : undefined;
  if (parameter?.form === "text" && parameter.numeric !== undefined) {
    const wanted = parameter.words.findIndex((text) => text.toLowerCase() === value);
    return (row) => wanted >= 0 && parameter.index[row] === wanted;
  }
  const texts = columns
    .filter((column) => column.form === "text" && column.numeric === undefined)
    .map((column) => ({ index: column.index, has: column.words.map((text) => text.toLowerCase().includes(term)) }));
  const verdicts = columns.find((column) => column.name === "verdict").value;
  return (row) => texts.some(({ index, has }) => has[index[row]]) || verdicts[row].includes(term);
}

