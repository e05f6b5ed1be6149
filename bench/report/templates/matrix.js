// The matrices of ratios: cases by implementations, against the baseline that the reader chooses.
const VERDICTS = { f: "faster", s: "slower", c: "cannot tell", "-": "" };
const MAX_CASES = 200; // rows of a matrix; the table has every case

const matrices = new Map(
  [...document.querySelectorAll("#comparison article")].map((element) => {
    const data = JSON.parse(element.querySelector("script").textContent);
    return [element.dataset.number, { element, data, baseline: data.baseline }];
  }),
);

function cellState(matrix, cell, implementation) {
  const { data, baseline } = matrix;
  if (data.implementations[implementation] === baseline) return { kind: "baseline", text: "1", words: "baseline" };
  const ratios = data.ratios[baseline];
  const estimate = ratios.estimate[cell];
  const reason = ratios.reasons.words[ratios.reasons.cells[cell]] ?? "";
  if (estimate === null) return { kind: "none", text: MISSING, words: reason || "not measured" };
  const verdict = VERDICTS[ratios.verdicts[cell]];
  const interval = ratioInterval(ratios.low[cell], ratios.high[cell]);
  const words = [`${verdict}, ${ratio(estimate)} ${interval}`, reason].filter(Boolean).join("; ");
  return { kind: verdict.replace(" ", "-"), text: ratio(estimate), words };
}

function matrixRow(matrix, index) {
  const { data } = matrix;
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = data.cases[index].label.replaceAll(/[,_]/g, "$&\u200b"); // a line may end there
  button.title = data.cases[index].slug;
  button.addEventListener("click", () => chooseCase(matrix, String(index)));
  head.append(button);
  row.append(head);
  data.implementations.forEach((name, implementation) => {
    const cell = document.createElement("td");
    const state = cellState(matrix, index * data.implementations.length + implementation, implementation);
    const fastest = data.candidates[index].includes(implementation);
    const sure = data.candidates[index].length === 1;
    cell.className = `${state.kind}${fastest ? (sure ? " fastest" : " perhaps") : ""}`;
    const role = fastest ? (sure ? "; surely the fastest" : "; may be the fastest") : "";
    cell.title = `${name}: ${state.words}${role}`;
    cell.append(state.text);
    const spoken = document.createElement("span");
    spoken.className = "spoken";
    spoken.textContent = ` ${state.words}${role}`;
    cell.append(spoken);
    row.append(cell);
  });
  return row;
}

function drawMatrix(matrix) {
  const { data, element } = matrix;
  const head = document.createElement("tr");
  for (const name of ["Case", ...data.implementations]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    const label = document.createElement("span");
    label.textContent = name;
    cell.append(label);
    head.append(cell);
  }
  const table = element.querySelector(".matrix");
  table.tHead.replaceChildren(head);
  const rows = data.cases.slice(0, MAX_CASES).map((_, index) => matrixRow(matrix, index));
  table.tBodies[0].replaceChildren(...rows);
}

function chooseCase(matrix, value) {
  const choice = matrix.element.querySelector("select[name=case]");
  choice.value = value;
  drawForest(matrix);
  const rows = matrix.element.querySelectorAll(".matrix tbody tr");
  rows.forEach((row, index) => row.classList.toggle("chosen", String(index) === value));
}

function chooseBaseline(matrix, name) {
  matrix.baseline = name in matrix.data.ratios ? name : matrix.data.baseline;
  matrix.element.querySelector("select[name=baseline]").value = matrix.baseline;
  drawMatrix(matrix);
  chooseCase(matrix, matrix.element.querySelector("select[name=case]").value);
}
