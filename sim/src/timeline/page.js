// Zoom, movement and hover.
const SHORTEST = 50;
const cursor = document.getElementById("cursor");
const tip = document.getElementById("tip");
const now = document.getElementById("now");

let asked = false;
function show(from, until) {
  const whole = limit.until - limit.from;
  const width = Math.min(whole, Math.max(SHORTEST, until - from));
  view.from = Math.min(Math.max(limit.from, from), limit.until - width);
  view.until = view.from + width;
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; draw(); });
}

// Less than 1 comes closer. `part` of the view stays where it is.
function zoom(factor, part = 0.5) {
  const width = view.until - view.from;
  const centre = view.from + part * width;
  show(centre - part * width * factor, centre + (1 - part) * width * factor);
}

function move(part) {
  const width = view.until - view.from;
  show(view.from + part * width, view.until + part * width);
}

// The view keeps its width, or comes to a part of the run if it shows much of it.
function go(at) {
  const width = Math.min(view.until - view.from, (limit.until - limit.from) / 10);
  show(at - width / 2, at + width / 2);
}

function goToViolation() {
  const pin = document.getElementById("pin");
  if (!pin) return;
  const at = Number(pin.dataset.at);
  const width = view.until - view.from;
  const first = Math.min((limit.until - limit.from) / 20, 2e6);
  const next = width > first * 1.01 ? first : width / 5;
  show(at - 0.8 * next, at + 0.2 * next);
  // Of a group, who owned what; otherwise the partition.
  const lane = chart.querySelector(".lane.member.hit") ?? chart.querySelector(".lane.hit");
  lane?.scrollIntoView({ block: "center" });
}

const KEYS = {
  "+": () => zoom(1 / 2), "=": () => zoom(1 / 2), "-": () => zoom(2),
  ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2),
  0: () => show(limit.from, limit.until), v: goToViolation,
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.key) KEYS[button.dataset.key]();
  if (button?.dataset.go) go(Number(button.dataset.go));
});

// The share of the view that is left of the pointer.
function part(event) {
  const box = axis.getBoundingClientRect();
  return (event.clientX - box.left) / box.width;
}
const at = (event) => view.from + part(event) * (view.until - view.from);

// The plain wheel scrolls the page.
chart.addEventListener("wheel", (event) => {
  if (!event.target.closest(".track")) return;
  const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
  if (event.ctrlKey || event.metaKey) {
    zoom(Math.exp(Math.sign(event.deltaY) * 0.25), part(event));
  } else if (event.shiftKey || Math.abs(sideways) > Math.abs(event.deltaY)) {
    move(sideways / axis.clientWidth);
  } else {
    return;
  }
  event.preventDefault();
}, { passive: false });

let held = null;
chart.addEventListener("pointerdown", (event) => {
  if (event.button === 0 && event.target.closest(".track")) held = event.clientX;
});
addEventListener("pointerup", () => { held = null; });
chart.addEventListener("dblclick", () => show(limit.from, limit.until));

// Bars, offsets and marks under the pointer, in words.
function words(target, when, reach) {
  const lane = target.closest(".lane");
  const texts = [];
  if (lane.dataset.offsets) {
    const { name, lines } = data.offsets[lane.dataset.offsets];
    const known = lines.filter((it) => it.steps.length);
    const each = known.map((it) => `${it.name}: ${value(it.steps, when) ?? "none yet"}`);
    texts.push([name, ...each].join("\n"));
  }
  const marks = data.marks[lane.dataset.marks] ?? [];
  const found = marks.filter(([from, until, , text]) => text && from - reach <= when && when <= until + reach)
    .sort((a, b) => Math.abs(a[1] - when) - Math.abs(b[1] - when));
  for (const [from, until, , text] of found.slice(0, 4)) {
    texts.push(`${told(from)}${until > from ? ` to ${told(until)}` : ""}\n${text}`);
  }
  if (found.length > 4) texts.push(`and ${found.length - 4} more`);
  const bar = target.closest("[data-text]");
  if (bar) texts.push(bar.dataset.text);
  return texts.join("\n\n");
}

function place(event) {
  const right = event.clientX + 16 + tip.offsetWidth > innerWidth;
  tip.style.left = (right ? Math.max(4, event.clientX - tip.offsetWidth - 12) : event.clientX + 16) + "px";
  const below = event.clientY + 16 + tip.offsetHeight > innerHeight;
  tip.style.top = Math.max(4, below ? event.clientY - tip.offsetHeight - 8 : event.clientY + 16) + "px";
}

chart.addEventListener("pointermove", (event) => {
  const track = event.target.closest(".track");
  cursor.hidden = !track;
  tip.hidden = true;
  if (!track) { now.textContent = ""; return; }
  if (held !== null) {
    move((held - event.clientX) / axis.clientWidth);
    held = event.clientX;
    return;
  }
  const when = at(event);
  cursor.style.left = event.clientX - axis.getBoundingClientRect().left + "px";
  now.textContent = clock(when, Math.max(1, (view.until - view.from) / 1000));
  tip.textContent = words(event.target, when, ((view.until - view.from) * 6) / axis.clientWidth);
  if (!tip.textContent) return;
  tip.hidden = false;
  place(event);
});
chart.addEventListener("pointerleave", () => { cursor.hidden = tip.hidden = true; now.textContent = ""; });
addEventListener("resize", draw);
draw();
