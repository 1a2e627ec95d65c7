// GNU General Public License v3.0+ (see LICENSE)
// The timeline close up: a lane for each host, on a canvas. Only what is in sight is drawn, and bars that share a pixel are one: the worst of them.
'use strict';

const WIDE = 8; // numbers of a bar: task, start, length, status, path, attempt, CPU, wait before it
const LANE = {height: 20, gap: 4, left: 110, top: 26};
const FIELD = {task: 0, start: 1, length: 2, status: 3, path: 4, attempt: 5, cpu: 6, queued: 7};
const lanes = data.hosts.map((host, place) => ({host, place, bars: data.bars[place], count: data.bars[place].length / WIDE}));
const span = {from: 0, to: Math.max(data.length, 1)}; // what is in sight, in milliseconds
const chosen = {lane: null, bar: -1};
let hits = null; // tasks that were searched for
let order = lanes.slice();

const field = (lane, bar, name) => lane.bars[bar * WIDE + FIELD[name]];
const endOf = (lane, bar) => field(lane, bar, 'start') + field(lane, bar, 'length');
const colours = {};

// a colour as the canvas takes it: light-dark() is resolved by an element that has it
function readColours() {
  const probe = make('i', {hidden: ''});
  document.body.append(probe);
  for (const name of [...data.statuses, 'text', 'soft', 'line', 'ground', 'lane', 'panel', 'accent', 'hit', 'agent-line']) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
}

function sized(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = '11px system-ui, sans-serif';
  return context;
}

function fitted(context, text, pixels) {
  if (context.measureText(text).width <= pixels) { return text; }
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= pixels) { low = middle; } else { high = middle - 1; }
  }
  return low > 1 ? `${text.slice(0, low)}…` : '';
}

// room for names of hosts: as much as they need, and a quarter of the width at most
function makeRoom() {
  const context = $('#canvas').getContext('2d');
  context.font = '11px system-ui, sans-serif';
  const longest = Math.max(...data.hosts.map((host) => context.measureText(host).width));
  LANE.left = Math.round(Math.max(Math.min(longest + 24, $('#chart').clientWidth / 4), 96));
}

const inner = () => Math.max($('#chart').clientWidth - LANE.left - 24, 50);
const toX = (moment) => LANE.left + (moment - span.from) / (span.to - span.from) * inner();
const toMoment = (x) => span.from + (x - LANE.left) / inner() * (span.to - span.from);

function ticks() {
  const about = (span.to - span.from) / (inner() / 100) / 1000;
  const power = 10 ** Math.floor(Math.log10(about));
  let step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= about);
  if (step > 10) { step = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200].find((one) => one >= about) || Math.ceil(about / 86400) * 86400; }
  const found = [];
  for (let moment = Math.ceil(span.from / 1000 / step) * step; moment * 1000 <= span.to; moment += step) { found.push(moment * 1000); }
  return found;
}

function firstInSight(lane, moment) {
  let [low, high] = [0, lane.count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (endOf(lane, middle) < moment) { low = middle + 1; } else { high = middle; }
  }
  return low;
}

// --- drawing ------------------------------------------------------------------------------------------------------------

let asked = false;
function redraw() {
  if (!asked) {
    asked = true;
    requestAnimationFrame(() => { asked = false; drawChart(); drawNavigator(); });
  }
}

function drawChart() {
  const box = $('#chart');
  const whole = LANE.top + lanes.length * (LANE.height + LANE.gap) + 6;
  $('#room').style.height = `${whole}px`;
  const height = Math.min(whole, box.clientHeight || whole);
  const context = sized($('#canvas'), box.clientWidth, height);
  const scrolled = box.scrollTop;
  context.strokeStyle = colours.line;
  context.beginPath();
  for (const moment of ticks()) {
    const x = Math.round(toX(moment)) + 0.5;
    context.moveTo(x, LANE.top - 4);
    context.lineTo(x, height);
  }
  context.stroke();
  const first = Math.max(Math.floor((scrolled - LANE.top) / (LANE.height + LANE.gap)), 0);
  for (let number = first; number < order.length; number += 1) {
    const y = laneTop(number) - scrolled;
    if (y > height) { break; }
    drawLane(context, order[number], y);
  }
  drawFrame(context, first, scrolled, height);
}

const laneTop = (number) => LANE.top + number * (LANE.height + LANE.gap);

function drawLane(context, lane, y) {
  const right = LANE.left + inner();
  const scale = inner() / (span.to - span.from);
  const named = [];
  let pending = null; // bars of less than a pixel that are one: [from, to, status, dim]
  const flush = () => {
    if (pending) { fillBar(context, pending[0], Math.max(pending[1] - pending[0], 1), y, pending[2], pending[3]); }
    pending = null;
  };
  context.worn = -1;
  for (let at = firstInSight(lane, span.from) * WIDE; at < lane.bars.length && lane.bars[at + FIELD.start] <= span.to; at += WIDE) {
    const [task, start, length, status] = [lane.bars[at], lane.bars[at + FIELD.start], lane.bars[at + FIELD.length], lane.bars[at + FIELD.status]];
    const from = Math.max(LANE.left + (start - span.from) * scale, LANE.left);
    const to = Math.min(LANE.left + (start + length - span.from) * scale, right);
    const dim = hits !== null && !hits.has(task);
    if (to - from >= 1.5) {
      flush();
      fillBar(context, from, to - from, y, status, dim);
      if (to - from > 26 && !dim) { named.push([task, from, to - from - 8]); }
    } else if (pending && from - pending[0] < 1.5) {
      const wins = dim !== pending[3] ? pending[3] : status < pending[2];
      pending = [pending[0], Math.max(pending[1], to), wins ? status : pending[2], dim && pending[3]];
    } else {
      flush();
      pending = [from, to, status, dim];
    }
  }
  flush();
  context.globalAlpha = 1;
  context.fillStyle = colours.ground;
  for (const [task, x, room] of named) { context.fillText(fitted(context, data.tasks[task][0], room), x + 4, y + 14); }
  if (chosen.lane === lane) {
    const from = Math.max(toX(field(lane, chosen.bar, 'start')), LANE.left);
    const to = Math.min(toX(endOf(lane, chosen.bar)), right);
    if (to >= LANE.left && from <= right) {
      context.strokeStyle = colours.text;
      context.lineWidth = 2;
      context.strokeRect(from - 1, y - 1, Math.max(to - from, 1) + 2, LANE.height + 2);
      context.lineWidth = 1;
    }
  }
}

// setting a style costs more than a bar
function wear(context, status, dim) {
  if (context.worn !== status + (dim ? 100 : 0)) {
    context.worn = status + (dim ? 100 : 0);
    context.globalAlpha = dim ? 0.18 : 1;
    context.fillStyle = colours[data.statuses[status]];
  }
}

function fillBar(context, x, width, y, status, dim) {
  wear(context, status, dim);
  context.fillRect(x, y, width > 3 ? width - 0.6 : width, LANE.height);
  if (status < 2 && !dim) { // not by colour alone: a failure has a notch above it
    context.beginPath();
    context.moveTo(x - 4, y - 4);
    context.lineTo(x + 4, y - 4);
    context.lineTo(x, y + 3);
    context.fill();
  }
}

function drawFrame(context, first, scrolled, height) {
  context.fillStyle = colours.lane;
  context.fillRect(0, 0, LANE.left - 2, height);
  context.fillRect(0, 0, LANE.left + inner() + 24, LANE.top - 5);
  context.fillStyle = colours.soft;
  context.textAlign = 'center';
  for (const moment of ticks()) { context.fillText(moment ? clock(moment) : '0', toX(moment), 14); }
  context.textAlign = 'left';
  context.save();
  context.beginPath();
  context.rect(0, LANE.top - 4, LANE.left, height);
  context.clip();
  for (let number = first; number < order.length && laneTop(number) - scrolled < height; number += 1) {
    context.fillStyle = order[number] === chosen.lane ? colours.accent : colours.text;
    context.fillText(fitted(context, order[number].host, LANE.left - 20), 10, laneTop(number) - scrolled + 14);
  }
  context.restore();
}

function clock(ms) {
  const seconds = Math.round(ms) / 1000;
  if (seconds < 60) { return `${seconds} s`; }
  const two = (number) => String(number).padStart(2, '0');
  const rest = `${two(Math.floor(seconds % 60))}${seconds % 1 ? (seconds % 1).toFixed(1).slice(1) : ''}`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)}:${rest}` : `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds % 3600 / 60))}:${rest}`;
}

// how many hosts are at work, over the whole run; failures as ticks
let profile = null;
const failed = lanes.flatMap((lane) => Array.from({length: lane.count}, (_, bar) => bar).filter((bar) => field(lane, bar, 'status') < 2).map((bar) => endOf(lane, bar)));
function drawNavigator() {
  const canvas = $('#navigator');
  const width = $('#chart').clientWidth;
  const context = sized(canvas, width, 44);
  const room = inner();
  if (!profile || profile.length !== Math.round(room)) { profile = busyHosts(Math.round(room)); }
  const most = Math.max(...profile, 1);
  context.fillStyle = colours['agent-line'];
  context.globalAlpha = 0.55;
  profile.forEach((busy, x) => { if (busy) { context.fillRect(LANE.left + x, 38 - 34 * busy / most, 1, 34 * busy / most); } });
  context.globalAlpha = 1;
  context.fillStyle = colours.soft;
  context.fillText('hosts at work', 10, 18);
  context.fillText(`up to ${Math.ceil(most)}`, 10, 33);
  context.fillStyle = colours.failed;
  for (const moment of failed) { context.fillRect(LANE.left + moment / span.whole * room - 1, 38, 2, 6); }
  const [left, right] = [span.from, span.to].map((moment) => LANE.left + moment / span.whole * room);
  context.fillStyle = colours.ground;
  context.globalAlpha = 0.7;
  context.fillRect(LANE.left, 0, left - LANE.left, 44);
  context.fillRect(right, 0, LANE.left + room - right, 44);
  context.globalAlpha = 1;
  context.strokeStyle = colours.accent;
  context.strokeRect(left + 0.5, 0.5, Math.max(right - left - 1, 2), 43);
}

function busyHosts(width) {
  const found = new Float64Array(width);
  for (const lane of lanes) {
    for (let bar = 0; bar < lane.count; bar += 1) {
      const from = field(lane, bar, 'start') / span.whole * width;
      const to = endOf(lane, bar) / span.whole * width;
      for (let x = Math.floor(from); x < Math.min(Math.ceil(to), width); x += 1) { found[x] += Math.min(to, x + 1) - Math.max(from, x); }
    }
  }
  return Array.from(found);
}

// --- moving -------------------------------------------------------------------------------------------------------------

function look(from, to) {
  const length = Math.min(Math.max(to - from, 20), span.whole);
  span.from = Math.min(Math.max(from, 0), span.whole - length);
  span.to = span.from + length;
  redraw();
}

function zoom(times, around = (span.from + span.to) / 2) {
  look(around - (around - span.from) * times, around + (span.to - around) * times);
}

function choose(lane, bar, {reveal = false} = {}) {
  Object.assign(chosen, {lane, bar});
  if (lane && reveal) {
    const [start, end] = [field(lane, bar, 'start'), endOf(lane, bar)];
    const length = span.to - span.from;
    const short = end - start < length / 400;
    if (start < span.from || end > span.to || short) {
      const wanted = short ? Math.min(length, Math.max((end - start) * 20, 2000)) : Math.max(length, (end - start) * 1.3);
      look((start + end) / 2 - wanted / 2, (start + end) / 2 + wanted / 2);
    }
    const [top, box] = [laneTop(order.indexOf(lane)), $('#chart')];
    if (top - LANE.top < box.scrollTop) { box.scrollTop = top - LANE.top; }
    if (top + LANE.height + 8 > box.scrollTop + box.clientHeight) { box.scrollTop = top + LANE.height + 8 - box.clientHeight; }
  }
  showChosen();
  redraw();
}

function linesOf(lane, bar) {
  const [name, module, play, place] = data.tasks[field(lane, bar, 'task')];
  const [cpu, queued, attempt] = [field(lane, bar, 'cpu'), field(lane, bar, 'queued'), field(lane, bar, 'attempt')];
  return {
    title: name, about: [module, play && `play ${play}`, place].filter(Boolean).join(' · '),
    times: [
      `${data.statuses[field(lane, bar, 'status')]} on ${lane.host}`, lasting(field(lane, bar, 'length')), `at ${clock(field(lane, bar, 'start'))}`,
      data.paths[field(lane, bar, 'path')], attempt > 1 && `try ${attempt}`, cpu >= 0 && `CPU ${lasting(cpu)}`, queued >= 0 && `waited ${lasting(queued)}`,
    ].filter(Boolean).join(' · '),
    message: field(lane, bar, 'status') < 3 ? data.messages[`${field(lane, bar, 'task')} ${lane.host}`] : '',
  };
}

function showChosen() {
  if (!chosen.lane) { return; }
  const {title, about, times, message} = linesOf(chosen.lane, chosen.bar);
  $('#chosen').replaceChildren(
    make('p', {}, make('a', {href: `#task-${field(chosen.lane, chosen.bar, 'task')}`}, title)), make('p', {class: 'soft'}, about), make('p', {}, times),
    message ? make('pre', {}, message) : '');
}

function under(event) {
  const box = $('#chart').getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top + $('#chart').scrollTop];
  const lane = y < LANE.top ? null : order[Math.floor((y - LANE.top) / (LANE.height + LANE.gap))];
  if (!lane || x < LANE.left) { return lane && {lane, bar: null}; }
  const near = (span.to - span.from) / inner() * 2;
  const moment = toMoment(x);
  let best = null;
  for (let bar = firstInSight(lane, moment - near); bar < lane.count && field(lane, bar, 'start') <= moment + near; bar += 1) {
    const inside = field(lane, bar, 'start') <= moment && endOf(lane, bar) >= moment;
    const rank = [inside ? 0 : 1, field(lane, bar, 'status')];
    if (!best || rank[0] < best.rank[0] || (rank[0] === best.rank[0] && rank[1] < best.rank[1])) { best = {bar, rank}; }
  }
  return {lane, bar: best ? best.bar : null};
}

function sortHosts(by) {
  const busy = (lane) => { let sum = 0; for (let bar = 0; bar < lane.count; bar += 1) { sum += field(lane, bar, 'length'); } return sum; };
  const last = (lane) => { let end = 0; for (let bar = 0; bar < lane.count; bar += 1) { end = Math.max(end, endOf(lane, bar)); } return end; };
  const key = {name: (lane) => lane.place, end: (lane) => -last(lane), busy: (lane) => -busy(lane)}[by];
  order = lanes.map((lane) => [key(lane), lane]).sort(([one], [other]) => one - other).map(([, lane]) => lane);
  redraw();
}

function search(text) {
  const wanted = text.trim().toLowerCase();
  hits = wanted ? new Set(data.tasks.flatMap((task, number) => (task.join('\n').toLowerCase().includes(wanted) ? [number] : []))) : null;
  $('#found').textContent = hits ? `${hits.size} of ${data.tasks.length} tasks` : '';
  redraw();
}

// the next task of the host, or the same time on the next host
function step(key) {
  const lane = chosen.lane || order.find((one) => one.count);
  if (!lane) { return; }
  if (!chosen.lane) { choose(lane, Math.min(firstInSight(lane, span.from), lane.count - 1), {reveal: true}); return; }
  if (key === 'ArrowRight' || key === 'ArrowLeft') {
    choose(lane, Math.min(Math.max(chosen.bar + (key === 'ArrowRight' ? 1 : -1), 0), lane.count - 1), {reveal: true});
    return;
  }
  const other = order[order.indexOf(lane) + (key === 'ArrowDown' ? 1 : -1)];
  if (other && other.count) { choose(other, Math.min(firstInSight(other, endOf(lane, chosen.bar)), other.count - 1), {reveal: true}); }
}

// where it failed, else where it took longest
function showTask(task) {
  let [best, most] = [null, -1];
  for (const lane of lanes) {
    for (let bar = 0; bar < lane.count; bar += 1) {
      const weight = field(lane, bar, 'length') + (field(lane, bar, 'status') < 2 ? span.whole : 0);
      if (field(lane, bar, 'task') === task && weight > most) { [best, most] = [{lane, bar}, weight]; }
    }
  }
  if (best) {
    choose(best.lane, best.bar, {reveal: true});
    $('#timeline').scrollIntoView();
    $('#chart').focus({preventScroll: true});
  }
  return best !== null;
}

// --- the start ------------------------------------------------------------------------------------------------------------

function startTimeline() {
  span.whole = span.to;
  $('#overview').hidden = true;
  $('#closer').hidden = false;
  readColours();
  makeRoom();
  const box = $('#chart');
  let held = null;
  box.addEventListener('pointerdown', (event) => { if (event.offsetX < box.clientWidth) { held = {x: event.clientX, from: span.from, to: span.to, moved: false}; } });
  addEventListener('pointermove', (event) => {
    if (!held) { return; }
    held.moved = held.moved || Math.abs(event.clientX - held.x) > 3;
    if (held.moved) {
      box.classList.add('drag');
      tip(null, '');
      const by = (held.x - event.clientX) / inner() * (held.to - held.from);
      look(held.from + by, held.to + by);
    }
  });
  addEventListener('pointerup', (event) => {
    const found = held && !held.moved ? under(event) : null;
    if (found && found.bar !== null) { choose(found.lane, found.bar); }
    held = null;
    box.classList.remove('drag');
  });
  box.addEventListener('pointermove', (event) => {
    if (held && held.moved) { return; }
    const found = under(event);
    const lines = found && found.bar !== null && linesOf(found.lane, found.bar);
    tip(event, lines ? [lines.title, lines.about, lines.times, (lines.message || '').slice(0, 300)].filter(Boolean).join('\n') : found ? found.lane.host : '');
  });
  box.addEventListener('pointerleave', () => tip(null, ''));
  box.addEventListener('scroll', redraw);
  box.addEventListener('wheel', (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(Math.exp(event.deltaY * 0.002), toMoment(event.clientX - box.getBoundingClientRect().left));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      const by = (event.deltaX || event.deltaY) / inner() * (span.to - span.from);
      look(span.from + by, span.to + by);
    }
  }, {passive: false});
  box.addEventListener('dblclick', (event) => zoom(0.4, toMoment(event.clientX - box.getBoundingClientRect().left)));
  box.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (event.key.startsWith('Arrow')) { step(event.key); } else if (event.key === '+' || event.key === '=') { zoom(0.6); } else if (event.key === '-') { zoom(1.6); } else if (event.key === '0') { look(0, span.whole); } else { return; }
    event.preventDefault();
  });
  startNavigator();
  $('#nearer').addEventListener('click', () => zoom(0.6));
  $('#further').addEventListener('click', () => zoom(1.6));
  $('#whole').addEventListener('click', () => look(0, span.whole));
  $('#by').addEventListener('change', () => sortHosts($('#by').value));
  $('#find').addEventListener('input', () => search($('#find').value));
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-task]');
    if (link && showTask(Number(link.dataset.task))) { event.preventDefault(); }
  });
  addEventListener('resize', () => { readColours(); makeRoom(); redraw(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { readColours(); redraw(); });
  drawChart();
  drawNavigator();
}

// the part in sight is drawn anew by dragging over it
function startNavigator() {
  const canvas = $('#navigator');
  const moment = (event) => (event.clientX - canvas.getBoundingClientRect().left - LANE.left) / inner() * span.whole;
  let begun = null;
  canvas.addEventListener('pointerdown', (event) => { begun = moment(event); canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener('pointermove', (event) => {
    if (begun !== null && Math.abs(moment(event) - begun) > span.whole / inner() * 4) { look(Math.min(begun, moment(event)), Math.max(begun, moment(event))); }
  });
  canvas.addEventListener('pointerup', (event) => {
    if (begun !== null && Math.abs(moment(event) - begun) <= span.whole / inner() * 4) {
      const half = (span.to - span.from) / 2;
      look(begun - half, begun + half);
    }
    begun = null;
  });
}

if ($('#closer')) { startTimeline(); }
start();
