// Draws the plots of the page from the attributes data-plot, with uPlot and the colors of the style sheet, and draws them
// again when the colors change. The steps are numbered: their names come with the plot.
"use strict";
(() => {
  const areas = [...document.querySelectorAll("[data-plot]")];
  if (areas.length === 0 || typeof uPlot === "undefined") return;
  const language = document.documentElement.lang;
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const height = () => innerWidth < 640 ? 200 : 240;
  const linesFrom = 49; // steps; fewer are bars

  // The bars of a step stand side by side.
  const bars = (of, n, i) => uPlot.paths.bars({ disp: {
    x0: { unit: 1, values: (u) => u.data[0].map((x) => x - 0.4 + (0.8 * i) / n) },
    size: { unit: 1, values: () => [0.8 / n] },
  } });

  const draw = (area) => {
    const p = JSON.parse(area.dataset.plot);
    const n = p.labels.length;
    const text = (v) => v === null || v === undefined ? "–" : v.toLocaleString(language, {
      minimumFractionDigits: p.decimals, maximumFractionDigits: p.decimals });
    const most = Math.max(0, ...p.series.flatMap((s) => s.values).filter((v) => v !== null));
    // A ceiling that is far above would leave no height for the rest.
    const near = p.limits.filter((l) => l.value <= 4 * most || most === 0);
    const top = Math.max(most, ...near.map((l) => l.value), p.decimals === 2 ? 0.1 : 1);
    const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false },
      font: "12px system-ui, sans-serif" };
    const series = p.series.map((s, i) => Object.assign({ label: s.label, value: (u, v) => text(v),
      points: { show: false } },
      n < linesFrom ? { fill: color(s.color), stroke: color(s.color), width: 0, paths: bars(n, p.series.length, i) }
        : { stroke: color(s.color), width: 1.5, dash: i === 2 ? [5, 3] : [] }));
    const limits = p.limits.map((l) => ({ label: l.label + (near.includes(l) ? "" : " " + p.above),
      stroke: color("--warn"), width: 2, dash: [8, 4], points: { show: false }, value: (u, v) => text(v) }));
    const options = {
      width: area.clientWidth, height: height(), padding: [10, 14, 0, 0],
      cursor: { y: false, points: { size: 7 } },
      legend: { live: true },
      scales: { x: { time: false, range: (u, min, max) => min === null ? [-0.5, 0.5]
        : [Math.floor(min) - 0.5, Math.ceil(max) + 0.5] }, y: { range: [0, top * 1.05] } },
      axes: [
        { ...axis, size: 28, splits: (u, i, min, max) => {
          const shown = p.ticks.filter((t) => t.at >= min && t.at <= max);
          const every = Math.max(1, Math.ceil(shown.length / Math.max(1, Math.floor(u.width / 70))));
          return shown.filter((t, k) => k % every === 0).map((t) => t.at);
        }, values: (u, at) => at.map((v) => p.ticks.find((t) => t.at === v)?.text ?? "") },
        { ...axis, size: 46, values: (u, at) => at.map((v) => Number.isInteger(v) || p.decimals
          ? v.toLocaleString(language, { maximumFractionDigits: p.decimals }) : "") },
      ],
      series: [{ label: p.begin, value: (u, v) => v === null ? "–" : p.labels[v] ?? "–" }, ...series, ...limits],
    };
    const data = [p.labels.map((l, i) => i), ...p.series.map((s) => s.values),
      ...p.limits.map((l) => p.labels.map(() => l.value))];
    area.replaceChildren();
    const u = new uPlot(options, data, area);
    for (const head of u.root.querySelectorAll(".u-legend th")) head.scope = "row";
    u.ctx.canvas.setAttribute("aria-hidden", "true");
    return u;
  };

  const plots = new Map();
  const drawAll = () => areas.forEach((area) => {
    plots.get(area)?.destroy();
    plots.set(area, draw(area));
  });
  drawAll();

  // Left and right move the cursor, whose values the legend shows.
  for (const area of areas) {
    area.addEventListener("keydown", (e) => {
      const u = plots.get(area);
      const last = u.data[0].length - 1;
      const now = u.cursor.idx ?? (e.key === "ArrowLeft" ? last + 1 : -1);
      const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last }[e.key];
      if (to === undefined) return;
      e.preventDefault();
      const at = Math.min(Math.max(to, 0), last);
      u.setCursor({ left: u.valToPos(at, "x"), top: 0 });
    });
  }
  const resized = new ResizeObserver((all) => {
    for (const { target } of all) {
      const u = plots.get(target);
      if (target.clientWidth > 0 && (target.clientWidth !== u.width || height() !== u.height)) {
        u.setSize({ width: target.clientWidth, height: height() });
      }
    }
  });
  areas.forEach((area) => resized.observe(area));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
