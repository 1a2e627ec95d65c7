// GNU General Public License v3.0+ (see LICENSE)
// The page of a plan: what is chosen and searched for, and the facts of a task. The views are in the files that follow this one.
// Rule 1: text of the plan gets into the page as text (textContent), never as markup.
// Rule 2: the address says what is seen: #task_12, #timeline, #tasks/task_12.
'use strict';

const plan = JSON.parse(document.getElementById('plan').textContent);
const nodes = plan.nodes;
const byId = new Map(nodes.map((node, index) => [node.id, index]));
const before = nodes.map(() => []); // numbers of drawn edges
const behind = nodes.map(() => []);
plan.edges.forEach(([from, to], index) => { behind[from].push(index); before[to].push(index); });
const followers = nodes.map(() => []); // everything that names a node as a dependency
nodes.forEach((node, index) => {
  for (const [id, kind, reason] of node.after || []) {
    if (byId.has(id)) { followers[byId.get(id)].push([index, kind, reason]); }
  }
});

const VIEWS = ['graph', 'timeline', 'tasks'];
const views = {}; // name -> {show(), changed(), reveal(index), key(event)}
const state = {view: 'graph', chosen: null, edge: null, query: '', hits: [], hitSet: new Set(), at: -1};

const $ = (selector) => document.querySelector(selector);
const SVG = $('#canvas').namespaceURI;

function fillIn(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value);
    }
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== '') { element.append(child); }
  }
  return element;
}
const make = (tag, attributes, ...children) => fillIn(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) => fillIn(document.createElementNS(SVG, tag), attributes, children);

const measure = document.createElement('canvas').getContext('2d');
function shortened(text, pixels, font) {
  measure.font = font || '12px system-ui, sans-serif';
  if (measure.measureText(text).width <= pixels) { return text; }
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (measure.measureText(text.slice(0, middle) + '…').width <= pixels) { low = middle; } else { high = middle - 1; }
  }
  return low ? text.slice(0, low) + '…' : '';
}

// --- what is chosen ---------------------------------------------------------------------------------------------------

function choose(index, {reveal = true, focus = false} = {}) {
  state.chosen = index;
  state.edge = null;
  changed();
  if (index !== null && reveal) { views[state.view].reveal(index); }
  if (focus) { $('#facts').focus(); }
}

function chooseEdge(number) {
  state.edge = number;
  state.chosen = null;
  changed();
}

function changed() {
  tip(null, ''); // what it was about may be drawn anew
  writeAddress();
  showFacts();
  views[state.view].changed();
}

function show(view) {
  state.view = view;
  for (const name of VIEWS) {
    $('#' + name).hidden = name !== view;
    const tab = $('#tab-' + name);
    tab.setAttribute('aria-selected', String(name === view));
    tab.tabIndex = name === view ? 0 : -1;
  }
  views[view].show();
  writeAddress();
  if (state.chosen !== null) { views[view].reveal(state.chosen); }
}

let written = null;
function writeAddress() {
  const id = state.chosen === null ? '' : encodeURIComponent(nodes[state.chosen].id);
  const hash = '#' + (state.view === 'graph' && id ? id : state.view + (id ? '/' + id : ''));
  if (hash !== location.hash && (hash !== '#graph' || location.hash)) {
    written = hash;
    history.replaceState(null, '', hash);
  }
}

function readAddress() {
  if (location.hash === written) { return; }
  const parts = location.hash.slice(1).split('/').map((part) => { try { return decodeURIComponent(part); } catch (error) { return part; } });
  const view = VIEWS.includes(parts[0]) ? parts.shift() : null;
  const id = parts.join('/');
  // a number is enough: #12 is #task_12
  const index = byId.has(id) ? byId.get(id) : nodes.findIndex((node) => node.number === id);
  state.chosen = index >= 0 ? index : null;
  state.edge = null;
  show(view || (index >= 0 ? 'graph' : state.view));
  showFacts();
  views[state.view].changed();
}

// --- search -----------------------------------------------------------------------------------------------------------

const haystack = nodes.map((node) => [node.name, node.id, node.module, node.where, node.role, node.pathReason, node.barrier].join('\n').toLowerCase());

function search(text) {
  state.query = text.trim().toLowerCase();
  state.hits = state.query ? nodes.map((_node, index) => index).filter((index) => haystack[index].includes(state.query)) : [];
  state.hitSet = new Set(state.hits);
  state.at = -1;
  views[state.view].changed();
  if (state.hits.length && state.view !== 'tasks') { views[state.view].reveal(state.hits[0]); }
  showHits();
}

function showHits() {
  const place = state.at >= 0 ? `${state.at + 1} of ` : '';
  $('#hits').textContent = state.query ? (state.hits.length ? `${place}${state.hits.length} found` : 'nothing found') : '';
}

function nextHit(step) {
  if (!state.hits.length) { return; }
  state.at = (state.at + step + (state.at < 0 && step < 0 ? 1 : 0) + state.hits.length) % state.hits.length;
  choose(state.hits[state.at]);
  showHits();
}

// --- facts ------------------------------------------------------------------------------------------------------------

function reasoned(code, detail, kind) {
  const words = plan.reasons[code] ? `: ${plan.reasons[code]}` : '';
  return make('p', {}, make('b', {class: 'code-' + kind}, code), words + (detail ? ` (${detail})` : ''));
}

function named(index) {
  return `${nodes[index].number} ${nodes[index].name}`;
}

function link(index) {
  return make('button', {onclick: () => choose(index)}, named(index));
}

function list(items) {
  return make('ul', {}, items.map((item) => make('li', {}, item)));
}

function resources(names) {
  return names.map((name) => (name === '*' ? 'anything on the host' : name)).join(', ');
}

function part(title, ...content) {
  return content.flat().length ? [make('h3', {}, title), ...content.flat()] : [];
}

function factsOf(index) {
  const node = nodes[index];
  const play = plan.plays[node.play];
  const place = [node.module, `play '${play.name}'`, node.role && `role ${node.role}`, node.section && `${node.section} of a block`, node.where];
  const after = (node.after || []).map(([id, kind, reason]) => [byId.has(id) ? link(byId.get(id)) : id, ` ${kind}: ${reason}`]);
  const later = followers[index].map(([other, kind]) => [link(other), ` ${kind}`]);
  const paths = {agent: 'agent: nothing speaks for the stock path', controller: 'controller: nothing is asked of the host', stock: 'stock'};
  const bundle = [];
  if (node.bundle) { bundle.push(make('p', {}, `bundle ${node.bundle} of ${node.bundles}, with ${node.size} task${node.size === 1 ? '' : 's'}`)); }
  if (node.cut) { bundle.push(make('p', {class: 'soft'}, 'cut before this task'), reasoned(node.cut, node.cutDetail, 'cut')); }
  if (node.bundle && node.endedBy) {
    const at = byId.has(node.endedAt) ? ` before ${named(byId.get(node.endedAt))}` : '';
    bundle.push(make('p', {class: 'soft'}, `the bundle ends${at}`), reasoned(node.endedBy, node.endedDetail, 'cut'));
  }
  return [
    make('h2', {}, named(index)),
    make('p', {class: 'soft'}, place.filter(Boolean).join(', ')),
    make('p', {class: 'soft'}, `on ${node.hosts || play.hosts}`),
    part('Path', node.path === 'stock' && node.pathReason ? reasoned(node.pathReason, node.pathDetail, 'stock') : make('p', {}, paths[node.path]),
      (node.otherHosts || []).map((text) => make('p', {class: 'code-stock'}, text))),
    part('Barrier', node.barrier ? reasoned(node.barrier, '', 'barrier') : make('p', {class: 'soft'}, 'none: hosts may run ahead through it')),
    part('Bundle', bundle),
    part('After', after.length ? list(after) : make('p', {class: 'soft'}, 'nothing has to come before it')),
    part('Before', later.length ? list(later) : []),
    part('Side by side', node.parallel ? make('p', {}, (node.canRunParallel ? 'possible, not used: ' : 'no: ') + node.parallel) : []),
    part('Whether it runs', node.conditions ? list(node.conditions) : []),
    part('Writes', node.writes ? make('p', {}, resources(node.writes)) : []),
    part('Reads', node.reads ? make('p', {}, resources(node.reads)) : []),
    part('Arguments', node.args ? make('p', {}, node.args) : []),
    part('Unknown before the run', node.unknown ? make('p', {}, node.unknown.join(', ')) : []),
    part('Notifies', node.notify ? make('p', {}, node.notify.join(', ')) : []),
    part('Listens to', node.listen ? make('p', {}, node.listen.join(', ')) : []),
    part('Risk', node.risk ? make('p', {}, `${node.risk}, scope ${node.scope}`) : []),
    part('Expected', make('p', {}, (node.estimate || 'no history yet') + (node.critical ? '; on the critical path' : ''))),
    part('Tags', node.tags ? make('p', {}, node.tags.join(', ')) : []),
  ].flat();
}

function factsOfEdge(number) {
  const [from, to, label, evidence] = plan.edges[number];
  return [
    make('h2', {}, `Dependency: ${label}`), list([['first ', link(from)], ['then ', link(to)]]), part('Evidence', list(evidence.split('\n'))),
  ].flat();
}

function factsOfPlan() {
  return [
    make('h2', {}, 'Plays'),
    plan.plays.map((play) => [
      make('h3', {}, play.name),
      make('p', {}, `${play.count} host${play.count === 1 ? '' : 's'}: ${play.hosts}`),
      make('p', {class: 'soft'}, `${play.strategy}, ${play.ordering}` + (play.batches > 1 ? `, ${play.batches} batches one after another` : '')),
    ]),
    part('Warnings', plan.warnings.length ? list(plan.warnings) : []),
    make('h3', {}, 'Made'), make('p', {}, plan.made), make('p', {class: 'soft'}, 'Click a task or a line for its facts.'),
  ].flat(2);
}

function showFacts() {
  const facts = state.chosen !== null ? factsOf(state.chosen) : state.edge !== null ? factsOfEdge(state.edge) : factsOfPlan();
  $('#facts').replaceChildren(...facts);
  $('#facts').scrollTop = 0;
}

// --- tips -------------------------------------------------------------------------------------------------------------

function tip(event, text) {
  const box = $('#tip');
  box.hidden = !text;
  if (!text) { return; }
  box.textContent = text;
  const {width, height} = box.getBoundingClientRect();
  box.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8))}px`;
  box.style.top = `${event.clientY + 18 + height > innerHeight ? event.clientY - height - 10 : event.clientY + 18}px`;
}

function tipOf(node) {
  const lines = [`${node.number} ${node.name}`, node.module];
  if (node.path === 'stock') { lines.push(`stock: ${node.pathReason || ''}`); }
  if (node.barrier) { lines.push(`barrier: ${node.barrier}`); }
  if (node.cut) { lines.push(`cut: ${node.cut} ${node.cutDetail || ''}`); }
  if (node.estimate) { lines.push(node.estimate); }
  return lines.join('\n');
}

// --- the start: called by the last file ----------------------------------------------------------------------------------

function start() {
  for (const name of VIEWS) { $('#tab-' + name).addEventListener('click', () => show(name)); }
  $('[role="tablist"]').addEventListener('keydown', (event) => {
    const step = {ArrowRight: 1, ArrowLeft: VIEWS.length - 1}[event.key];
    if (step) {
      show(VIEWS[(VIEWS.indexOf(state.view) + step) % VIEWS.length]);
      $('#tab-' + state.view).focus();
      event.stopPropagation();
    }
  });
  const box = $('#search input');
  box.addEventListener('input', () => search(box.value));
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') { nextHit(event.shiftKey ? -1 : 1); }
    if (event.key === 'Escape') { box.value = ''; search(''); box.blur(); }
    event.stopPropagation();
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) { return; }
    const to = {g: 'graph', t: 'timeline', l: 'tasks'}[event.key];
    if (to) { show(to); } else if (event.key === '/') { box.focus(); box.select(); } else if (event.key === 'Escape') { choose(null); } else {
      if (!views[state.view].key(event)) { return; }
    }
    event.preventDefault();
  });
  $('#theme').addEventListener('click', () => {
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    const root = document.documentElement;
    const order = dark ? ['light', 'dark', ''] : ['dark', 'light', ''];
    root.dataset.theme = order[(order.indexOf(root.dataset.theme || '') + 1) % 3];
  });
  addEventListener('hashchange', readAddress);
  addEventListener('resize', () => views[state.view].show());
  readAddress();
}
