/* Draw the charts of a page from the JSON beside them, again when htmx has replaced them or the theme has changed. */

"use strict";

(() => {
  // Colours that people with any colour vision can tell apart, on a light and on a dark background.
  const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8b8f98", "#8b5cf6"];

  const seriesOf = (series, kind) => ({
    label: series.label,
    data: series.values,
    backgroundColor: series.isHollow || kind !== "bars" ? "transparent" : COLOURS[series.colour],
    borderColor: COLOURS[series.colour],
    borderWidth: kind === "bars" ? Number(series.isHollow) : 2,
    borderSkipped: false,
    pointRadius: 0,
    pointHitRadius: 8,
    stepped: kind === "steps",
    spanGaps: false,
    yAxisID: series.isOnRight ? "right" : "y",
  });

  const optionsFor = (chart) => {
    const isDark = document.documentElement.classList.contains("dark");
    const text = isDark ? "#d1d5db" : "#374151";
    const grid = isDark ? "#374151" : "#e5e7eb";
    const isStacked = chart.kind === "bars";
    const hasRight = chart.series.some((series) => series.isOnRight);
    const word = (value) => chart.levels[value] ?? value.toLocaleString("en");
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { position: "bottom", align: "start", labels: { color: text, boxWidth: 12, boxHeight: 12 } },
        tooltip: {
          filter: (item) => item.raw !== null && (chart.levels.length > 0 || item.raw > 0),
          callbacks: { label: (item) => `${item.dataset.label}: ${word(item.raw)}` },
        },
      },
      scales: {
        x: { stacked: isStacked, grid: { display: false }, ticks: { color: text, maxTicksLimit: 12, maxRotation: 0 } },
        y: {
          stacked: isStacked,
          beginAtZero: true,
          ...(chart.levels.length ? { min: 0, max: chart.levels.length - 1 } : {}),
          grid: { color: grid },
          ticks: { color: text, precision: 0, stepSize: chart.levels.length ? 1 : undefined, callback: word },
        },
        ...(hasRight && {
          right: { position: "right", beginAtZero: true, grid: { display: false }, ticks: { color: text, precision: 0 } },
        }),
      },
    };
  };

  const draw = (canvas) => {
    const chart = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    Chart.getChart(canvas)?.destroy();
    new Chart(canvas, {
      type: chart.kind === "bars" ? "bar" : "line",
      data: { labels: chart.labels, datasets: chart.series.map((series) => seriesOf(series, chart.kind)) },
      options: optionsFor(chart),
    });
  };

  const drawAll = () => document.querySelectorAll("canvas[data-chart]").forEach(draw);

  // A table that was open stays open when its figures are replaced.
  let openTables = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    const replaced = event.detail.target;
    openTables = [...replaced.querySelectorAll("details[open]")].map((table) => table.id);
    replaced.querySelectorAll("canvas[data-chart]").forEach((canvas) => Chart.getChart(canvas)?.destroy());
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    openTables.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    event.detail.target.querySelectorAll("canvas[data-chart]").forEach(draw);
  });

  drawAll();
  new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["class"] });
})();
