// Draws the figures, hides implementations on request, and fits the plots to the paper while printing.
(() => {
  "use strict";
  const PAPER = { wide: { width: 900, height: 460 }, panel: { width: 325, height: 300 } }; // CSS pixels on A4 landscape
  const OPTIONS = {
    responsive: true,
    displaylogo: false,
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };
  const plots = Array.from(document.querySelectorAll(".plot"));

  for (const plot of plots) {
    const figure = JSON.parse(plot.nextElementSibling.textContent);
    Plotly.newPlot(plot, figure.data, figure.layout, OPTIONS);
  }

  const buttons = Array.from(document.querySelectorAll(".legend button"));

  function show(section, name, visible) {
    for (const button of section.querySelectorAll(".legend button")) {
      if (button.dataset.implementation === name) button.setAttribute("aria-pressed", String(visible));
    }
    for (const plot of section.querySelectorAll(".plot")) {
      const traces = plot.data.flatMap((trace, index) => (trace.meta === name ? [index] : []));
      if (traces.length) Plotly.restyle(plot, { visible }, traces);
    }
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const visible = button.getAttribute("aria-pressed") !== "true";
      show(button.closest("article"), button.dataset.implementation, visible);
    });
  }

  addEventListener("beforeprint", () => {
    for (const plot of plots) {
      plot.heightOnScreen = plot.layout.height;
      Plotly.relayout(plot, { ...(plot.closest(".wide") ? PAPER.wide : PAPER.panel), autosize: false });
    }
  });
  addEventListener("afterprint", () => {
    for (const plot of plots) Plotly.relayout(plot, { width: null, height: plot.heightOnScreen, autosize: true });
  });
})();
