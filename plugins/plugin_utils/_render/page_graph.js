// GNU General Public License v3.0+ (see LICENSE)
// The graph: tasks in layers, play by play, from top to bottom. Only what is in sight is drawn, and a screen around it.
'use strict';

const NODE = {width: 210, height: 44, gapX: 26, gapY: 12, layerGap: 40, perRow: 5};
const BAND = {top: 40, bottom: 22, side: 36, between: 26};

const places = []; // node -> {x, y}: its middle and its top
const bands = []; // play -> {top, bottom}
let graphWidth = 0;
let graphHeight = 0;

function layOut() {
  const byPlay = plan.plays.map(() => new Map());
  nodes.forEach((node, index) => {
    const layers = byPlay[node.play];
    if (!layers.has(node.layer)) { layers.set(node.layer, []); }
    layers.get(node.layer).push(index);
  });
  let widest = 1;
  let y = 0;
  byPlay.forEach((layers, play) => {
    const top = y;
    y += BAND.top;
    for (const number of [...layers.keys()].sort((a, b) => a - b)) {
      const layer = sortedByWhatIsBefore(layers.get(number));
      for (let first = 0; first < layer.length; first += NODE.perRow) {
        const row = layer.slice(first, first + NODE.perRow);
        widest = Math.max(widest, row.length);
        row.forEach((index, position) => {
          places[index] = {x: (position - (row.length - 1) / 2) * (NODE.width + NODE.gapX), y};
        });
        y += NODE.height + NODE.gapY;
      }
      y += NODE.layerGap - NODE.gapY;
    }
    y += BAND.bottom - (layers.size ? NODE.layerGap : 0);
    bands[play] = {top, bottom: y};
    y += BAND.between;
  });
  graphWidth = widest * (NODE.width + NODE.gapX) + 2 * BAND.side;
  graphHeight = y;
}

function sortedByWhatIsBefore(layer) {
  const middle = (index) => {
    const placed = before[index].map((edge) => places[plan.edges[edge][0]]).filter(Boolean);
    return placed.length ? placed.reduce((sum, place) => sum + place.x, 0) / placed.length : 0;
  };
  const keys = new Map(layer.map((index) => [index, middle(index)]));
  return [...layer].sort((a, b) => keys.get(a) - keys.get(b) || a - b);
}

function edgePath(from, to) {
  const a = places[from];
  const b = places[to];
  const y1 = a.y + NODE.height;
  const y2 = b.y;
  const far = y2 - y1 > NODE.layerGap + 4;
  // a line that passes rows of tasks goes around them where it would run straight through
  const bow = far && Math.abs(a.x - b.x) < NODE.width ? (NODE.width / 2 + 18 + Math.min((y2 - y1) / 30, 60)) * 4 / 3 : 0;
  const bend = Math.max(Math.min((y2 - y1) / 2, 90), 14);
  return {
    d: `M${a.x} ${y1}C${a.x + bow} ${y1 + bend} ${b.x + bow} ${y2 - bend} ${b.x} ${y2}`,
    x: (a.x + b.x) / 2 + bow * 0.75, y: (y1 + y2) / 2, far,
  };
}

const canvas = $('#canvas');
const sheet = draw('g', {});
const look = {x: 0, y: 0, scale: 1}; // what is at the middle of the top of the view, and how large
let drawn = null; // {top, bottom, left, right, scale} of what is there

function size() {
  return {width: canvas.clientWidth || 800, height: canvas.clientHeight || 600};
}

function place() {
  const {width} = size();
  sheet.setAttribute('transform', `translate(${width / 2 - look.x * look.scale} ${-look.y * look.scale}) scale(${look.scale})`);
}

function inSight() {
  const {width, height} = size();
  return {left: look.x - width / 2 / look.scale, right: look.x + width / 2 / look.scale, top: look.y, bottom: look.y + height / look.scale};
}

function moved() {
  const sight = inSight();
  place();
  const stale = !drawn || drawn.scale !== detail() || sight.top < drawn.top || sight.bottom > drawn.bottom || sight.left < drawn.left || sight.right > drawn.right;
  if (stale) { redraw(); }
}

function detail() {
  return look.scale < 0.12 ? 0 : look.scale < 0.4 ? 1 : 2;
}

function redraw() {
  const sight = inSight();
  const high = sight.bottom - sight.top;
  const wide = sight.right - sight.left;
  drawn = {top: sight.top - high, bottom: sight.bottom + high, left: sight.left - wide / 2, right: sight.right + wide / 2, scale: detail()};
  const here = (x1, x2, y1, y2) => x2 >= drawn.left && x1 <= drawn.right && y2 >= drawn.top && y1 <= drawn.bottom;
  const parts = [];
  plan.plays.forEach((play, index) => {
    const band = bands[index];
    if (here(-graphWidth / 2, graphWidth / 2, band.top, band.bottom)) {
      parts.push(draw('rect', {class: 'band', x: -graphWidth / 2, y: band.top, width: graphWidth, height: band.bottom - band.top, rx: 8}));
      const title = `${index + 1}. ${play.name}  (${play.count} host${play.count === 1 ? '' : 's'}${play.batches > 1 ? `, ${play.batches} batches` : ''})`;
      parts.push(draw('text', {class: 'title', x: -graphWidth / 2 + 14, y: band.top + 22}, shortened(title, graphWidth - 28, '600 13px system-ui')));
    }
  });
  const near = state.chosen === null ? null : new Set([...before[state.chosen], ...behind[state.chosen]]);
  plan.edges.forEach(([from, to], number) => {
    const a = places[from];
    const b = places[to];
    if (here(Math.min(a.x, b.x) - 20, Math.max(a.x, b.x) + 260, a.y, b.y)) { parts.push(drawEdge(number, near)); }
  });
  const kept = near === null ? null : new Set([state.chosen, ...[...near].flatMap((number) => plan.edges[number].slice(0, 2))]);
  nodes.forEach((node, index) => {
    const {x, y} = places[index];
    if (here(x - NODE.width / 2, x + NODE.width / 2, y, y + NODE.height)) { parts.push(drawNode(node, index, kept)); }
  });
  sheet.replaceChildren(...parts);
}

function drawEdge(number, near) {
  const [from, to, label, evidence] = plan.edges[number];
  const path = edgePath(from, to);
  const chosen = state.edge === number || (near !== null && near.has(number));
  const faint = !chosen && (near !== null || state.edge !== null);
  if (detail() === 0) { return draw('g', {class: `edge${chosen ? ' chosen' : ''}${faint ? ' faint' : ''}`}, draw('path', {class: 'thin', d: path.d})); }
  return draw('g', {
    class: `edge${chosen ? ' chosen' : ''}${faint ? ' faint' : ''}`, onclick: () => chooseEdge(number),
    onmousemove: (event) => tip(event, `${named(from)} → ${named(to)}\n${label}: ${evidence}`), onmouseleave: (event) => tip(event, ''),
  }, draw('path', {class: 'wide', d: path.d}), draw('path', {class: 'thin', d: path.d, 'marker-end': 'url(#head)'}),
  detail() > 1 && (chosen || (nodes.length < 150 && !path.far)) ? draw('text', {x: path.x + 4, y: path.y + 3}, label) : '');
}

function drawNode(node, index, kept) {
  const {x, y} = places[index];
  const left = x - NODE.width / 2;
  const kind = node.kind === 'handler' && node.path !== 'stock' ? 'handler' : node.path;
  const classes = ['node', kind, node.bundle % 2 ? 'odd' : ''];
  if (state.hitSet.has(index)) { classes.push('hit'); }
  if (state.chosen === index) { classes.push('chosen'); }
  if (kept !== null && !kept.has(index) && !state.hitSet.has(index)) { classes.push('faint'); }
  const parts = [draw('rect', {class: 'box', x: left, y, width: NODE.width, height: NODE.height, rx: 6})];
  if (node.bundle && detail() > 0) { parts.push(draw('rect', {class: 'stripe', x: left, y: y + 4, width: 5, height: NODE.height - 8})); }
  if (node.barrier) {
    parts.push(draw('rect', {class: 'wait', x: left - 8, y: y - 6, width: NODE.width + 16, height: 3}));
    parts.push(draw('rect', {class: 'wait', x: left - 8, y: y + NODE.height + 3, width: NODE.width + 16, height: 3}));
  }
  if (detail() > 0) { parts.push(draw('text', {x: left + 12, y: y + 18}, shortened(`${node.number} ${node.name}`, NODE.width - 22))); }
  if (detail() > 1) {
    const why = node.path === 'stock' ? ['path', `stock: ${node.pathReason || ''}`] : node.barrier ? ['barrier', `barrier: ${node.barrier}`]
      : node.cut ? ['cut', `cut: ${node.cut} ${node.cutDetail || ''}`] : ['', node.estimate || ''];
    const module = shortened(node.module, NODE.width * 0.45, '10.5px system-ui');
    parts.push(draw('text', {class: 'small', x: left + 12, y: y + 35}, module));
    parts.push(draw('text', {class: `small reason ${why[0]}`, x: left + NODE.width - 10, y: y + 35, 'text-anchor': 'end'},
      shortened(why[1].trim(), NODE.width * 0.5, '10.5px system-ui')));
  }
  return draw('g', {
    class: classes.join(' '), id: `node-${index}`, onclick: () => choose(index, {reveal: false}), onmousemove: (event) => tip(event, tipOf(node)),
    onmouseleave: (event) => tip(event, ''),
  }, parts);
}

function keepInside() {
  const {height} = size();
  look.scale = Math.min(Math.max(look.scale, Math.min(0.02, height / (graphHeight + 1))), 3);
  look.x = Math.min(Math.max(look.x, -graphWidth / 2), graphWidth / 2);
  look.y = Math.min(Math.max(look.y, -height / look.scale * 0.5), Math.max(graphHeight - height / look.scale * 0.5, 0));
}

function zoom(factor, x, y) {
  const {width, height} = size();
  const px = x === undefined ? width / 2 : x;
  const py = y === undefined ? height / 2 : y;
  const atX = look.x + (px - width / 2) / look.scale;
  const atY = look.y + py / look.scale;
  look.scale *= factor;
  keepInside();
  look.x = atX - (px - width / 2) / look.scale;
  look.y = atY - py / look.scale;
  keepInside();
  moved();
}

function showAll() {
  const {width, height} = size();
  look.scale = Math.min(width / (graphWidth + 20), height / (graphHeight + 20), 1.4);
  look.x = 0;
  look.y = -Math.max((height / look.scale - graphHeight) / 2, 10);
  moved();
}

function neighbour(index, key) {
  const here = places[index];
  const ends = (numbers, end) => numbers.map((number) => plan.edges[number][end]);
  const nearest = (found) => found.sort((a, b) => Math.abs(places[a].y - here.y) - Math.abs(places[b].y - here.y) || Math.abs(places[a].x - here.x) - Math.abs(places[b].x - here.x))[0];
  if (key === 'ArrowUp' || key === 'ArrowDown') {
    const up = key === 'ArrowUp';
    const along = ends(up ? before[index] : behind[index], up ? 0 : 1);
    const rows = nodes.map((_node, other) => other).filter((other) => (up ? places[other].y < here.y : places[other].y > here.y));
    return nearest(along.length ? along : rows);
  }
  const right = key === 'ArrowRight';
  return nearest(nodes.map((_node, other) => other).filter((other) => places[other].y === here.y && (right ? places[other].x > here.x : places[other].x < here.x)));
}

function graphKey(event) {
  if (event.key === '+' || event.key === '=') { zoom(1.25); } else if (event.key === '-') { zoom(0.8); } else if (event.key === '0') { showAll(); } else if (event.key.startsWith('Arrow') && nodes.length) {
    if (event.target.closest('#facts')) { return false; }
    const next = state.chosen === null ? 0 : neighbour(state.chosen, event.key);
    if (next !== undefined) { choose(next); }
  } else { return false; }
  return true;
}

// Dragging and the wheel, for both pictures. `move(dx, dy)` in pixels; `turn(factor, x, y)`.
function movable(picture, move, turn) {
  let last = null;
  picture.addEventListener('pointerdown', (event) => { last = {x: event.clientX, y: event.clientY, far: false}; });
  picture.addEventListener('pointermove', (event) => {
    if (last === null || !event.buttons) { last = null; return; }
    const dx = event.clientX - last.x;
    const dy = event.clientY - last.y;
    if (!last.far && Math.abs(dx) + Math.abs(dy) < 4) { return; }
    if (!last.far) { picture.setPointerCapture(event.pointerId); picture.classList.add('drag'); tip(event, ''); }
    last = {x: event.clientX, y: event.clientY, far: true};
    move(dx, dy);
  });
  const stop = () => { last = null; picture.classList.remove('drag'); };
  picture.addEventListener('pointerup', stop);
  picture.addEventListener('pointercancel', stop);
  picture.addEventListener('wheel', (event) => {
    const box = picture.getBoundingClientRect();
    if (turn(Math.exp(-Math.max(-120, Math.min(120, event.deltaY)) / 400), event.clientX - box.left, event.clientY - box.top, event) !== false) { event.preventDefault(); }
  }, {passive: false});
}

function legend() {
  const sample = (kind, extra) => draw('svg', {viewBox: '0 0 20 12'}, draw('g', {class: `node ${kind}`}, draw('rect', {x: 1, y: 2, width: 18, height: 8, rx: 2}), extra || ''));
  const wait = draw('rect', {class: 'wait', x: 0, y: 5, width: 20, height: 3});
  const entries = [
    [sample('agent'), 'through the agent'], [sample('stock'), 'stock path'], [sample('controller'), 'on the controller'], [sample('handler'), 'handler'],
    [draw('svg', {viewBox: '0 0 20 12'}, draw('g', {class: 'node'}, wait)), 'barrier: hosts wait'],
  ];
  $('.legend').replaceChildren(...entries.map((entry) => make('li', {}, entry)));
}

views.graph = {
  show() { keepInside(); redraw(); place(); },
  changed() {
    redraw();
    if (state.chosen !== null) { canvas.setAttribute('aria-label', `Graph of tasks; chosen: ${named(state.chosen)}`); }
  },
  reveal(index) {
    const {x, y} = places[index];
    const sight = inSight();
    const inside = x - NODE.width / 2 > sight.left && x + NODE.width / 2 < sight.right && y > sight.top + 30 && y + NODE.height < sight.bottom - 60 / look.scale;
    if (inside && look.scale >= 0.45) { return; }
    if (look.scale < 0.45) { look.scale = 0.9; }
    look.x = x;
    look.y = Math.max(y + NODE.height / 2 - size().height / 2 / look.scale, -12);
    moved();
  },
  key: graphKey,
};

function startGraph() {
  layOut();
  legend();
  canvas.append(draw('defs', {}, draw('marker', {id: 'head', viewBox: '0 0 8 8', refX: 7.5, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto'},
    draw('path', {d: 'M0 0L8 4L0 8z'}))), sheet);
  look.scale = Math.min(Math.max(size().width / (graphWidth + 20), 0.45), 1);
  look.y = -12;
  movable(canvas, (dx, dy) => { look.x -= dx / look.scale; look.y -= dy / look.scale; keepInside(); moved(); }, (factor, x, y) => zoom(factor, x, y));
  canvas.addEventListener('click', (event) => { if (event.target === canvas || event.target.classList.contains('band')) { choose(null); } });
  for (const button of document.querySelectorAll('[data-zoom]')) {
    button.addEventListener('click', () => ({in: () => zoom(1.25), out: () => zoom(0.8), all: showAll}[button.dataset.zoom]()));
  }
}
