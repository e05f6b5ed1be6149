// Files made in the page: the data behind a figure or a table, as CSV or JSON.
function csvText(header, rows) {
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [header, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Makes the two buttons of `place` save what `table()` returns: a header, and rows.
function offerDownloads(place, name, table) {
  const files = {
    CSV: () => {
      const { header, rows } = table();
      save(`${name}.csv`, "text/csv", csvText(header, rows));
    },
    JSON: () => {
      const { header, rows } = table();
      const records = rows.map((row) => Object.fromEntries(header.map((key, index) => [key, row[index] ?? null])));
      save(`${name}.json`, "application/json", JSON.stringify(records, null, 1));
    },
  };
  for (const [kind, act] of Object.entries(files)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kind;
    button.setAttribute("aria-label", `Download ${name} as ${kind}`);
    button.addEventListener("click", act);
    place.append(button);
  }
}

function fileName(...parts) {
  return parts.filter(Boolean).join(" ").toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");
}
