// Zoom, movement and hover of the timeline. Times are microseconds.
"use strict";
const chart = document.getElementById("chart");
const data = JSON.parse(document.getElementById("data").textContent);
const span = Number(chart.dataset.span);
const view = { from: 0, until: span };
const stretches = [...chart.querySelectorAll(".stretch")];
const drawings = [...chart.querySelectorAll("svg")];
const placed = [...chart.querySelectorAll("#pin, #flag")];
const ticks = document.getElementById("ticks");
const cursor = document.getElementById("cursor");
const tip = document.getElementById("tip");
const now = document.getElementById("now");
const SHORTEST = 50;

const share = (at) => (100 * (at - view.from)) / (view.until - view.from);

function time(at, step) {
  const decimals = Math.max(0, Math.min(6, 6 - Math.floor(Math.log10(step))));
  return (at / 1e6).toFixed(decimals) + " s";
}

// Offsets fill their lane: the lowest and the highest of those in view.
function fit(drawing) {
  const holder = drawing.closest("[data-offsets]");
  if (!holder) return;
  let [low, high] = [Infinity, -Infinity];
  for (const [, line] of data.offsets[holder.dataset.offsets].lines) {
    const before = value(line, view.from);
    const seen = line.filter(([when]) => view.from < when && when < view.until);
    for (const it of before === null ? seen : [[view.from, before], ...seen]) {
      low = Math.min(low, it[1]);
      high = Math.max(high, it[1]);
    }
  }
  if (low > high) return;
  const room = (high - low) / 12 + 0.5;
  drawing.dataset.y = -high - room;
  drawing.dataset.height = high - low + 2 * room;
  const [top, bottom] = holder.closest(".lane").querySelectorAll(".scale");
  [top.textContent, bottom.textContent] = [high, low === high ? "" : low];
}

function draw() {
  const width = view.until - view.from;
  for (const it of stretches) {
    const from = Math.max(Number(it.dataset.from), view.from);
    const until = Math.min(Number(it.dataset.until), view.until);
    it.hidden = until < view.from || from > view.until;
    it.style.left = share(from) + "%";
    it.style.width = Math.max(0, share(until) - share(from)) + "%";
    // Half a word reads worse than none; hovering tells.
    it.style.color = it.scrollWidth > it.clientWidth ? "transparent" : "";
  }
  for (const it of drawings) {
    fit(it);
    it.setAttribute("viewBox", `${view.from} ${it.dataset.y} ${width} ${it.dataset.height}`);
  }
  for (const it of placed) {
    const at = share(Number(it.dataset.at));
    it.hidden = at < 0 || at > 100;
    it.style.left = at + "%";
    it.classList.toggle("right", at < 30);
  }
  const rough = width / 9;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * unit).find((it) => it >= rough);
  ticks.replaceChildren();
  for (let at = Math.ceil(view.from / step) * step; at < view.until; at += step) {
    if (share(at) > 97) break;
    const tick = document.createElement("span");
    tick.textContent = time(at, step);
    tick.style.left = share(at) + "%";
    ticks.append(tick);
  }
}

let asked = false;
function show(from, until) {
  const width = Math.min(span, Math.max(SHORTEST, until - from));
  view.from = Math.min(Math.max(0, from), span - width);
  view.until = view.from + width;
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; draw(); });
}

function at(event, track) {
  const box = track.getBoundingClientRect();
  return view.from + ((event.clientX - box.left) / box.width) * (view.until - view.from);
}

chart.addEventListener("wheel", (event) => {
  const track = event.target.closest(".track");
  if (!track) return;
  event.preventDefault();
  const centre = at(event, track);
  const factor = Math.exp(Math.sign(event.deltaY) * 0.25);
  show(centre - (centre - view.from) * factor, centre + (view.until - centre) * factor);
}, { passive: false });

let held = null;
chart.addEventListener("pointerdown", (event) => {
  const track = event.target.closest(".track");
  if (track) held = { x: event.clientX, from: view.from, width: track.clientWidth };
});
addEventListener("pointerup", () => { held = null; });
chart.addEventListener("dblclick", () => show(0, span));
addEventListener("keydown", (event) => {
  const width = view.until - view.from;
  const move = { ArrowLeft: -width / 5, ArrowRight: width / 5 }[event.key];
  if (move) show(view.from + move, view.until + move);
  if (event.key === "+") show(view.from + width / 4, view.until - width / 4);
  if (event.key === "-") show(view.from - width / 2, view.until + width / 2);
  if (event.key === "0") show(0, span);
});

// The value of a step line at a time.
function value(line, when) {
  let [low, high] = [0, line.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (line[middle][0] <= when) low = middle + 1; else high = middle;
  }
  return low ? line[low - 1][1] : null;
}

// The marks within a few pixels.
function near(marks, when, reach) {
  return marks.filter(([from, until]) => from - reach <= when && when <= until + reach)
    .sort((a, b) => Math.abs(a[0] - when) - Math.abs(b[0] - when));
}

function told(target, when, reach) {
  const stretch = target.closest("[data-text]");
  if (stretch) return stretch.dataset.text;
  const offsets = target.closest("[data-offsets]");
  if (offsets) {
    const { name, lines } = data.offsets[offsets.dataset.offsets];
    return [name, ...lines.map(([what, line]) => `${what}: ${value(line, when) ?? "none yet"}`)].join("\n");
  }
  const lane = target.closest("[data-marks]");
  if (!lane) return "";
  const found = near(data.marks[lane.dataset.marks], when, reach);
  const texts = found.slice(0, 4).map(([from, until, , text]) => {
    const ended = until > from ? ` to ${time(until, 1)}` : "";
    return `${time(from, 1)}${ended}\n${text}`;
  });
  if (found.length > 4) texts.push(`and ${found.length - 4} more`);
  return texts.join("\n\n");
}

chart.addEventListener("pointermove", (event) => {
  const track = event.target.closest(".track");
  cursor.hidden = !track;
  tip.hidden = true;
  if (!track) { now.textContent = ""; return; }
  if (held) {
    const moved = ((held.x - event.clientX) / held.width) * (view.until - view.from);
    show(held.from + moved, held.from + moved + view.until - view.from);
    return;
  }
  const when = at(event, track);
  cursor.style.left = share(when) + "%";
  now.textContent = time(when, 10);
  const text = told(event.target, when, ((view.until - view.from) * 5) / track.clientWidth);
  if (!text) return;
  tip.textContent = text;
  tip.hidden = false;
  const right = event.clientX + 16 + tip.offsetWidth > innerWidth;
  tip.style.left = (right ? Math.max(4, event.clientX - tip.offsetWidth - 12) : event.clientX + 16) + "px";
  const below = event.clientY + 16 + tip.offsetHeight > innerHeight;
  tip.style.top = (below ? event.clientY - tip.offsetHeight - 8 : event.clientY + 16) + "px";
});
chart.addEventListener("pointerleave", () => { cursor.hidden = tip.hidden = true; now.textContent = ""; });
addEventListener("resize", draw);
draw();
