// The state of the page in its address: "#results?sort=time&row=...". What precedes "?" is the place on the page.
const address = (() => {
  const listeners = [];

  function read() {
    const [place, query] = location.hash.slice(1).split(/\?(.*)/s);
    return { place: decodeURIComponent(place), values: new URLSearchParams(query ?? "") };
  }

  function write(place, values) {
    const query = values.toString();
    history.replaceState(null, "", `#${encodeURIComponent(place)}${query ? `?${query}` : ""}`);
  }

  function get(name) {
    return read().values.get(name) ?? "";
  }

  // Sets values by name; an empty one is left out.
  function set(changes) {
    const { place, values } = read();
    for (const [name, value] of Object.entries(changes)) {
      if (value) values.set(name, value);
      else values.delete(name);
    }
    write(place, values);
  }

  function go(place) {
    const target = document.getElementById(place);
    if (!target) return;
    write(place, read().values);
    target.scrollIntoView();
    target.querySelector("h2, h3")?.focus({ preventScroll: true });
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link || link.hash.includes("?")) return;
    event.preventDefault();
    go(link.hash.slice(1));
  });
  addEventListener("hashchange", () => {
    for (const listener of listeners) listener();
  });
  addEventListener("load", () => {
    const { place } = read();
    if (place) document.getElementById(place)?.scrollIntoView();
  });

  return { get, set, onChange: (listener) => listeners.push(listener) };
})();
