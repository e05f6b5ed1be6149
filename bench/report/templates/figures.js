// Draws each figure when it comes into view, and shows the implementations that the reader chooses.
const MAX_PANELS = 6; // drawn before the reader asks for more

for (const article of document.querySelectorAll("article.drawn")) {
  const buttons = [...article.querySelectorAll(".legend button")];
  const styles = Object.fromEntries(
    buttons.map((button) => {
      const { implementation, number: style, dash } = button.dataset;
      const outline = button.querySelector("path:last-child").getAttribute("d");
      return [implementation, { number: style, dash, outline }];
    }),
  );
  const visible = new Set(
    buttons.filter((button) => button.getAttribute("aria-pressed") === "true").map((b) => b.dataset.implementation),
  );
  const figures = [...article.querySelectorAll("figure")].map((element) => {
    const data = JSON.parse(element.querySelector("script").textContent);
    return { element, data, panels: element.querySelector(".panels"), count: MAX_PANELS, drawn: false };
  });

  function draw(figure) {
    figure.drawn = true;
    const { data, panels } = figure;
    const wide = panels.classList.contains("wide");
    const available = panels.clientWidth || 680;
    const columns = wide ? 1 : Math.max(1, Math.min(data.panels.length, Math.floor(available / 340)));
    const width = Math.min(wide ? 960 : 480, (available - (columns - 1) * 24) / columns);
    panels.replaceChildren(
      ...data.panels.slice(0, figure.count).map((panel) => {
        const block = document.createElement("div");
        block.className = "panel";
        if (panel.title) {
          const title = document.createElement("p");
          title.className = "panel-title";
          title.textContent = panel.title;
          block.append(title);
        }
        block.append(drawPlot(panel, data.heading, styles, visible, Math.round(width), wide ? 440 : 280));
        return block;
      }),
    );
  }

  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const figure = figures.find(({ element }) => element === entry.target);
        if (entry.isIntersecting && !figure.drawn) draw(figure);
      }
    },
    { rootMargin: "600px" },
  );

  for (const figure of figures) {
    watcher.observe(figure.element);
    const more = figure.element.querySelector(".more");
    more?.addEventListener("click", () => {
      figure.count = Infinity;
      more.remove();
      draw(figure);
    });
    const name = fileName(figure.element.dataset.title, figure.data.heading);
    offerDownloads(figure.element.querySelector(".downloads"), name, () => ({
      header: ["panel", "implementation", figure.data.panels[0].x.title, figure.data.panels[0].y.title, "low", "high"],
      rows: figure.data.panels.flatMap((panel) =>
        panel.series.flatMap((series) =>
          series.x.map((x, index) => {
            const shownX = panel.x.kind === "category" ? panel.x.ticks[x][1] : x;
            return [panel.title, series.name, shownX, series.y[index], series.low?.[index], series.high?.[index]];
          }),
        ),
      ),
    }));
  }

  const redraw = () => figures.filter((figure) => figure.drawn).forEach(draw);
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const pressed = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(pressed));
      if (pressed) visible.add(button.dataset.implementation);
      else visible.delete(button.dataset.implementation);
      redraw();
    });
  }
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) redraw();
    width = innerWidth;
  });
  addEventListener("beforeprint", () => figures.forEach(draw));
}
