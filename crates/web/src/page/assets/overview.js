// The overview with scripts: figures that follow by themselves, charts to zoom into. Without them a reload and the table do.
"use strict";
(() => {
  const button = document.querySelector("[data-live]"), state = document.getElementById("live-state");
  const KEPT = "gatepost-live";
  const box = () => document.getElementById("figures");
  const tell = (text) => { if (state.textContent !== text) state.textContent = text; };

  function follow() {
    const live = box();
    live.setAttribute("hx-sse:connect", button.dataset.live);
    live.setAttribute("hx-swap", "innerMorph");
    // Signed out elsewhere: asking again would not help.
    live.addEventListener("htmx:sse:error", (event) => ([401, 403].includes(event.detail.status) ? stop() : tell(button.dataset.lost)));
    live.addEventListener("htmx:sse:after:message", () => tell(""));
    window.htmx.process(live);
    button.textContent = button.dataset.stop;
    tell("");
  }
  function stop() {
    // The stream ends with the element it fills.
    const still = box().cloneNode(false);
    still.removeAttribute("hx-sse:connect");
    still.removeAttribute("data-htmx-powered");
    still.append(...box().childNodes);
    box().replaceWith(still);
    button.textContent = button.dataset.start;
    tell(button.dataset.stopped);
  }
  if (button && window.htmx) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const follows = box().hasAttribute("hx-sse:connect");
      sessionStorage.setItem(KEPT, follows ? "off" : "on");
      follows ? stop() : follow();
    });
    sessionStorage.getItem(KEPT) === "off" ? stop() : follow();
  }

  const HEIGHT = 220;
  const plots = [];

  /** Rows of the table behind: moments in seconds, then one list a series. */
  function numbers(table) {
    const rows = [...table.tBodies[0].rows];
    const series = table.tHead.rows[0].cells.length - 1;
    const at = rows.map((row) => Number(row.dataset.at) / 1000);
    return [at, ...Array.from({ length: series }, (_, n) => rows.map((row) => Number(row.cells[n + 1].textContent)))];
  }

  function draw(place) {
    const table = document.getElementById(place.dataset.plot), [at, ...values] = numbers(table);
    if (at.length < 2 || !values.flat().some((value) => value > 0)) return;
    const titles = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    const colours = [...place.querySelectorAll(".legend rect")].map((rect) => getComputedStyle(rect).fill);
    const ink = getComputedStyle(place.querySelector(".legend")).color, line = getComputedStyle(place).borderTopColor;
    // Bars stand on each other: what is drawn first is the highest.
    const sums = values.map((_, n) => at.map((_, row) => values.slice(0, n + 1).reduce((sum, one) => sum + one[row], 0)));
    const order = values.map((_, n) => n).reverse();
    const { zone, lang } = place.dataset;
    const byDay = at[1] - at[0] > 7200;
    const short = new Intl.DateTimeFormat(lang, byDay ? { timeZone: zone, day: "numeric", month: "short" } : { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    const long = new Intl.DateTimeFormat(lang, { timeZone: zone, dateStyle: "medium", ...(byDay ? {} : { timeStyle: "short" }) });
    const bars = window.uPlot.paths.bars({ size: [0.8, 60], align: 1 });
    const options = {
      width: place.clientWidth, height: HEIGHT, padding: [8, 8, 0, 0],
      tzDate: (seconds) => window.uPlot.tzDate(new Date(seconds * 1000), zone),
      scales: { x: { time: true, range: (_, from, to) => [from, to + (at[1] - at[0])] }, y: { range: (_, from, to) => [0, Math.max(1, to * 1.05)] } },
      axes: [
        { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, values: (_, splits) => splits.map((one) => short.format(one * 1000)) },
        { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, size: 56, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6] },
      ],
      series: [
        { label: titles[0], value: (_, one) => (one == null ? "–" : long.format(one * 1000)) },
        ...order.map((n) => ({ label: titles[n + 1], fill: colours[n], stroke: colours[n], width: 0, paths: bars, points: { show: false }, value: (_, __, ___, row) => (row == null ? "–" : values[n][row]) })),
      ],
    };
    const holder = document.createElement("div");
    holder.className = "interactive";
    holder.setAttribute("aria-hidden", "true"); // the sentence above and the table below say the same
    place.prepend(holder);
    const hint = document.createElement("p");
    hint.className = "hint";
    hint.textContent = place.dataset.hint;
    const plot = new window.uPlot(options, [at, ...order.map((n) => sums[n])], holder);
    holder.append(hint);
    place.querySelector("svg.chart").setAttribute("hidden", "");
    place.querySelector(".legend").hidden = true;
    plots.push({ plot, place, holder });
  }

  const all = () => document.querySelectorAll("[data-plot]").forEach(draw);
  function again() {
    for (const { plot, place, holder } of plots.splice(0)) {
      plot.destroy();
      holder.remove();
      place.querySelector("svg.chart").removeAttribute("hidden");
      place.querySelector(".legend").hidden = false;
    }
    all();
  }
  if (window.uPlot) {
    all();
    for (const media of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(media).addEventListener("change", again);
    new ResizeObserver(() => plots.forEach(({ plot, place }) => {
      if (place.clientWidth && plot.width !== place.clientWidth) plot.setSize({ width: place.clientWidth, height: HEIGHT });
    })).observe(document.getElementById("main"));
  }
})();
