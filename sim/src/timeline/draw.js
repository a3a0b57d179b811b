// What is in view, as bars and SVG paths. Times are microseconds on the world's clock; coordinates
// are pixels of the view, which stay small however long the run is and however deep the zoom.
"use strict";
const chart = document.getElementById("chart");
const data = JSON.parse(document.getElementById("data").textContent);
const start = Number(chart.dataset.start);
const end = Number(chart.dataset.end);
// A little room after the last moment, so that what happens there is not on the border.
const limit = { from: start, until: end + Math.max(1, (end - start) / 50) };
const view = { ...limit };
const axis = chart.querySelector(".axis .track");
const lanes = [...chart.querySelectorAll(".lane")];
const placed = [...chart.querySelectorAll("#pin, #flag")];
const ticks = document.getElementById("ticks");

// One shape for each style of a mark, around a point: classes differ by more than their colour.
const ring = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
const SHAPES = {
  empty: (x, y) => ring(x, y, 1.2),
  read: (x, y) => `M${x - 4} ${y - 4}h8l-4 8z`,
  acked: (x, y) => `M${x} ${y - 6}v12`,
  commit: (x, y) => `M${x} ${y - 5}l4 5l-4 5l-4 -5z`,
  told: (x, y) => `M${x - 5} ${y - 4}l5 4l-5 4z`,
  left: (x, y) => `M${x - 3} ${y - 3}h6v6h-6z`,
  created: (x, y) => `M${x} ${y - 4}v8m-4 -4h8`,
  changed: (x, y) => `M${x} ${y - 4}l4 8h-8z`,
  unknown: (x, y) => ring(x, y, 3.5),
  refused: (x, y) => `M${x - 4} ${y - 4}l8 8m0 -8l-8 8`,
  warning: (x, y) => `M${x} ${y - 5}l5 9h-10z`,
  error: (x, y) => `M${x} ${y - 5}l5 9h-10z`,
  boot: (x, y) => `M${x} ${y - 9}v18M${x} ${y - 6}l6 6l-6 6z`,
  stop: (x, y) => `M${x} ${y - 9}v18M${x - 6} ${y - 3}h6v6h-6z`,
  kill: (x, y) => `M${x} ${y - 9}v18M${x - 4} ${y - 4}l8 8m0 -8l-8 8`,
  power: (x, y) => `M${x} ${y - 9}v18M${x + 1} ${y - 7}l-5 8h4l-2 7l6 -9h-4l3 -6z`,
  witness: (x, y) => ring(x, y, 8),
};

function pixels(at, width) {
  const x = ((at - view.from) / (view.until - view.from)) * width;
  return Math.round(Math.min(Math.max(x, -50), width + 50) * 10) / 10;
}

const namespace = document.querySelector("svg").namespaceURI;
function path(style, d) {
  const it = document.createElementNS(namespace, "path");
  it.setAttribute("class", style);
  it.setAttribute("d", d);
  return it;
}

// Ticks that people count in: up to 20 seconds by tens, then minutes, hours, days.
function tickStep(rough) {
  const large = [30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 432000];
  if (rough > 20e6) return 1e6 * (large.find((it) => it * 1e6 >= rough) ?? 864000);
  const unit = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((n) => n * unit).find((it) => it >= rough);
}

const seconds = (at, decimals) => (at / 1e6).toFixed(decimals);

// A time with as many decimals as `step` needs; in a run of hours as days and hours.
function clock(at, step) {
  const decimals = Math.max(0, Math.min(6, 6 - Math.floor(Math.log10(step) + 1e-9)));
  if (end < 3600e6) return seconds(at, decimals) + " s";
  const whole = Math.floor(at / 60e6);
  const two = (n) => String(n).padStart(2, "0");
  const text = `${Math.floor(whole / 1440)} d ${two(Math.floor(whole / 60) % 24)}:${two(whole % 60)}`;
  if (step >= 60e6) return text;
  return `${text}:${seconds(at - whole * 60e6, decimals).padStart(decimals ? 3 + decimals : 2, "0")}`;
}

// For hovering: as a node's lines have it, too.
function told(at) {
  return end < 3600e6 ? clock(at, 1) : `${clock(at, 1)} (${seconds(at, 6)} s)`;
}

// The value of a step line at a time.
function value(line, when) {
  let [low, high] = [0, line.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (line[middle][0] <= when) low = middle + 1; else high = middle;
  }
  return low ? line[low - 1][1] : null;
}

function drawBars(lane, width) {
  for (const it of lane.querySelectorAll(".stretch")) {
    const [from, until] = [Number(it.dataset.from), Number(it.dataset.until)];
    it.hidden = until < view.from || from > view.until;
    if (it.hidden) continue;
    const left = Math.max(0, pixels(from, width));
    const wide = Math.max(0, Math.min(width, pixels(until, width)) - left);
    it.style.left = left + "px";
    it.style.width = wide + "px";
    // Half a word reads worse than none; hovering tells. A letter is about 6 pixels wide.
    it.firstChild.hidden = it.textContent.length * 6 + 8 > wide;
  }
}

function drawMarks(lane, width) {
  const svg = lane.querySelector("svg");
  const middle = svg.clientHeight - 11;
  const [paths, drawn] = [{}, new Set()];
  for (const [from, until, style] of data.marks[lane.dataset.marks]) {
    if (until < view.from || from > view.until) continue;
    const [x, since] = [pixels(until, width), pixels(from, width)];
    // What is this near looks like one; fetches without records would add up to a grey bar.
    const near = { acked: 2, empty: 10 }[style] ?? 5;
    const slot = `${style} ${Math.round(x / near)} ${Math.round(since / near)}`;
    if (drawn.has(slot)) continue;
    drawn.add(slot);
    const wait = x - since > 2 && style !== "witness" ? `M${since} ${middle - 3}v6m0 -3H${x}` : "";
    const shape = until <= view.until ? SHAPES[style](x, middle) : "";
    paths[style] ??= ["", ""];
    paths[style][0] += wait;
    paths[style][1] += shape;
  }
  svg.replaceChildren();
  for (const style of Object.keys(SHAPES).filter((it) => paths[it])) {
    const [wait, shape] = paths[style];
    if (wait) svg.append(path(`wait ${style}`, wait));
    if (shape) svg.append(path(`shape ${style}`, shape));
  }
}

// Offsets fill their lane: the lowest and the highest of those in view, and the violation's.
function range(lines, hit) {
  let [low, high] = hit === null ? [Infinity, -Infinity] : [hit, hit];
  for (const { steps } of lines) {
    const before = value(steps, view.from);
    const seen = steps.filter(([when]) => view.from < when && when < view.until);
    for (const it of before === null ? seen : [[view.from, before], ...seen]) {
      low = Math.min(low, it[1]);
      high = Math.max(high, it[1]);
    }
  }
  return [low, high];
}

function drawOffsets(lane, width) {
  const svg = lane.querySelector("svg");
  const { lines, hit } = data.offsets[lane.dataset.offsets];
  const [low, high] = range(lines, hit);
  const [top, bottom] = lane.querySelectorAll(".scale");
  svg.replaceChildren();
  [top.textContent, bottom.textContent] = low > high ? ["", ""] : [high, low === high ? "" : low];
  if (low > high) return;
  const height = svg.clientHeight;
  const room = (high - low) / 10 + 0.25;
  const y = (offset) => Math.round((10 * height * (high + room - offset)) / (high - low + 2 * room)) / 10;
  const last = pixels(Math.min(view.until, end), width);
  for (const { style, steps } of lines) {
    const before = value(steps, view.from);
    let d = before === null ? "" : `M-50 ${y(before)}`;
    for (const [when, offset] of steps) {
      if (when <= view.from || when > view.until) continue;
      d += d ? `H${pixels(when, width)}V${y(offset)}` : `M${pixels(when, width)} ${y(offset)}`;
    }
    if (d) svg.append(path(style, `${d}H${last}`));
  }
  if (hit === null) return;
  svg.append(path("hit-offset", `M0 ${y(hit)}H${width}`));
  const label = lane.querySelector(".hit-label");
  label.style.top = Math.max(0, Math.min(height - 14, y(hit) - 15)) + "px";
}

function drawTicks(width) {
  const step = tickStep((view.until - view.from) / Math.max(2, Math.min(9, width / 120)));
  ticks.replaceChildren();
  for (let at = Math.ceil(view.from / step) * step; at < view.until; at += step) {
    const x = pixels(at, width);
    if (x > width - 50) break;
    const tick = document.createElement("span");
    tick.textContent = clock(at, step);
    tick.style.left = x + "px";
    tick.classList.toggle("first", x < 40);
    ticks.append(tick);
  }
}

function draw() {
  const width = axis.clientWidth;
  drawTicks(width);
  for (const lane of lanes) {
    drawBars(lane, width);
    if (lane.dataset.marks) drawMarks(lane, width);
    if (lane.dataset.offsets) drawOffsets(lane, width);
  }
  for (const it of placed) {
    const at = Number(it.dataset.at);
    it.hidden = at < view.from || at > view.until;
    it.style.left = pixels(at, width) + "px";
    it.classList.toggle("right", pixels(at, width) < width * 0.3);
  }
}

// The legend's samples are the shapes themselves.
for (const sample of document.querySelectorAll("[data-shape]")) {
  const style = sample.dataset.shape;
  sample.append(path(`shape ${style}`, SHAPES[style](9, 8)));
}
