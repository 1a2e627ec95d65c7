// GNU General Public License v3.0+ (see LICENSE)
// The expected run: a lane for each class of hosts of a batch. Bars that share a pixel are drawn once.
'use strict';

const run = plan.timeline;
const LANE = {height: 24, gap: 6, left: 190, top: 30};
const chart = $('#chart');
const span = {from: 0, to: Math.max(run.length, 1e-9)}; // what is in sight

// node -> [lane, bar] of where it is first
const firstBar = new Map();
run.lanes.forEach((lane, number) => run.tracks[lane.track].forEach((bar) => { if (!firstBar.has(bar[0])) { firstBar.set(bar[0], [number, bar]); } }));

function laneTop(number) {
  return LANE.top + number * (LANE.height + LANE.gap);
}

function chartWidth() {
  return Math.max((chart.clientWidth || 800) - LANE.left - 12, 50);
}

function toX(moment) {
  return LANE.left + (moment - span.from) / (span.to - span.from) * chartWidth();
}

function clock(moment) {
  if (run.unit !== 's') { return String(Math.round(moment * 100) / 100); }
  if (moment < 60) { return `${Math.round(moment * 1000) / 1000} s`; }
  const whole = Math.round(moment);
  const [hours, minutes, left] = [Math.floor(whole / 3600), Math.floor(whole % 3600 / 60), whole % 60];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min${left ? ` ${left} s` : ''}`;
}

function ticks() {
  const about = (span.to - span.from) / Math.max(chartWidth() / 110, 1);
  const power = 10 ** Math.floor(Math.log10(about));
  let step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= about);
  if (run.unit === 's' && step > 10) { step = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200].find((one) => one >= about) || Math.ceil(about / 86400) * 86400; }
  if (run.unit !== 's') { step = Math.max(step, 1); }
  const found = [];
  for (let moment = Math.ceil(span.from / step) * step; moment <= span.to + step / 1e6; moment += step) { found.push(moment); }
  return found;
}

function firstInSight(bars, moment) {
  let low = 0;
  let high = bars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bars[middle][1] + bars[middle][2] < moment) { low = middle + 1; } else { high = middle; }
  }
  return low;
}

function drawChart() {
  const bottom = laneTop(run.lanes.length);
  const parts = [];
  for (const moment of ticks()) {
    parts.push(draw('line', {class: 'grid', x1: toX(moment), x2: toX(moment), y1: LANE.top - 6, y2: bottom}));
    parts.push(draw('text', {class: 'small', x: toX(moment), y: LANE.top - 12, 'text-anchor': 'middle'}, clock(moment)));
  }
  const waits = [];
  run.lanes.forEach((lane, number) => {
    const bars = run.tracks[lane.track];
    let used = -1;
    let waited = -9;
    for (let index = firstInSight(bars, span.from - lane.offset); index < bars.length && bars[index][1] + lane.offset <= span.to; index += 1) {
      const [left, right] = [Math.max(toX(bars[index][1] + lane.offset), LANE.left - 3), Math.min(toX(bars[index][1] + bars[index][2] + lane.offset), LANE.left + chartWidth() + 3)];
      const node = bars[index][0];
      const marked = node === state.chosen || state.hitSet.has(node);
      if (right <= used + 0.7 && !marked) { continue; }
      used = Math.max(right, used);
      parts.push(drawBar(lane, number, bars[index], left, right));
      for (const x of nodes[node].barrier ? [left, right] : []) {
        if (x - waited > 3 && x >= LANE.left) {
          waited = x;
          waits.push(draw('line', {class: 'wait', x1: x, x2: x, y1: laneTop(number) - LANE.gap / 2, y2: laneTop(number) + LANE.height + LANE.gap / 2}));
        }
      }
    }
  });
  parts.push(...waits, draw('rect', {class: 'cover', x: 0, y: LANE.top - 4, width: LANE.left - 3, height: bottom}));
  run.lanes.forEach((lane, number) => {
    const play = plan.plays[lane.play];
    const title = `${lane.play + 1}. ${play.name}${play.batches > 1 ? `, batch ${lane.batch}` : ''}`;
    const y = laneTop(number);
    parts.push(draw('text', {x: 12, y: y + 11}, shortened(title, LANE.left - 24)));
    parts.push(draw('text', {class: 'small', x: 12, y: y + 23}, shortened(`${lane.hosts}${lane.stock ? ' (stock)' : ''}`, LANE.left - 24, '10.5px system-ui')));
  });
  chart.setAttribute('height', bottom + 10);
  chart.replaceChildren(...parts);
}

function drawBar(lane, number, bar, left, right) {
  const node = nodes[bar[0]];
  const width = Math.max(right - left, 1);
  const y = laneTop(number);
  const classes = ['bar', lane.stock && node.path === 'agent' ? 'stock' : node.path];
  if (!bar[3] && run.unit === 's') { classes.push('guess'); }
  if (node.critical) { classes.push('critical'); }
  if (state.hitSet.has(bar[0])) { classes.push('hit'); }
  if (state.chosen === bar[0]) { classes.push('chosen'); }
  const length = run.unit !== 's' ? 'length not known' : bar[3] ? node.estimate : `not known, drawn as ${clock(bar[2])}`;
  return draw('g', {
    class: classes.join(' '), onclick: () => choose(bar[0], {reveal: false}),
    onmousemove: (event) => tip(event, `${tipOf(node)}\n${length}${node.critical ? '\non the critical path' : ''}`), onmouseleave: (event) => tip(event, ''),
  }, draw('rect', {class: 'box', x: left, y, width, height: LANE.height}),
  node.critical ? draw('rect', {class: 'mark', x: left, y: y + LANE.height - 4, width, height: 4}) : '',
  width > 26 ? draw('text', {x: left + 4, y: y + 14}, shortened(`${node.number} ${node.name}`, width - 8, '11px system-ui')) : '');
}

function slide(pixels) {
  const wide = span.to - span.from;
  const by = Math.min(Math.max(pixels / chartWidth() * wide, -span.from - wide * 0.1), run.length - span.to + wide * 0.1);
  span.from += by;
  span.to += by;
  drawChart();
}

function closer(factor, x) {
  const at = x === undefined ? (span.from + span.to) / 2 : span.from + (x - LANE.left) / chartWidth() * (span.to - span.from);
  const wide = Math.min(Math.max((span.to - span.from) / factor, run.length / 20000, 1e-6), Math.max(run.length, 1e-9));
  const share = (at - span.from) / (span.to - span.from);
  span.from = Math.min(Math.max(at - share * wide, 0), run.length - wide);
  span.to = span.from + wide;
  drawChart();
}

function revealBar(index) {
  const found = firstBar.get(index);
  if (!found) { return; }
  const [number, bar] = found;
  const start = run.lanes[number].offset + bar[1];
  const wide = Math.min(span.to - span.from, Math.max(bar[2] * 40, run.length / 20000));
  if (start < span.from || start + bar[2] > span.to || toX(start + bar[2]) - toX(start) < 3) {
    span.from = Math.min(Math.max(start + bar[2] / 2 - wide / 2, 0), Math.max(run.length - wide, 0));
    span.to = span.from + wide;
  }
  drawChart();
  const box = $('#timeline');
  if (laneTop(number) + 60 < box.scrollTop || laneTop(number) > box.scrollTop + box.clientHeight - 60) { box.scrollTop = laneTop(number) - 60; }
}

views.timeline = {
  show: drawChart,
  changed: drawChart,
  reveal: revealBar,
  key(event) {
    if (event.key === '+' || event.key === '=') { closer(1.5); } else if (event.key === '-') { closer(1 / 1.5); } else if (event.key === '0') { closer(1e-12); } else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      const order = [...firstBar.keys()];
      const here = order.indexOf(state.chosen);
      const next = order[here < 0 ? 0 : here + (event.key === 'ArrowRight' ? 1 : -1)];
      if (next !== undefined) { choose(next); }
    } else { return false; }
    return true;
  },
};

function startTimeline() {
  const known = run.unit !== 's' ? `No history yet: each of the ${run.of} tasks is drawn with the same length, and nothing here is a second.`
    : run.known < run.of ? `${run.known} of ${run.of} tasks have a history; the others are drawn pale, with the median length.` : 'Lengths are medians of earlier runs.';
  $('#pace').textContent = `${known} A lane is one host of its class; waiting for forks and handlers are not in it. Red below a bar: the critical path. Vertical lines: barriers.`;
  movable(chart, (dx) => slide(-dx), (factor, x, _y, event) => (event.shiftKey || event.deltaX ? false : closer(factor * factor, x)));
}
