// GNU General Public License v3.0+ (see LICENSE)
// The table of tasks: sorted by any column, filtered by path, barrier and the search. The last file: it starts the page.
'use strict';

const FEW = 400; // rows that are made at once
const RISKS = ['Low', 'Medium', 'High', 'Critical'];
const COLUMNS = [
  {title: 'No.', key: (_node, index) => index, text: (node) => node.number, number: true},
  {title: 'Task', key: (node) => node.name.toLowerCase(), name: true},
  {title: 'Module', key: (node) => node.module, text: (node) => node.module},
  {title: 'Play', key: (node) => node.play, text: (node) => plan.plays[node.play].name},
  {title: 'Path', key: (node) => node.path + (node.pathReason || ''), text: (node) => (node.pathReason ? `${node.path}: ${node.pathReason}` : node.path), code: (node) => (node.path === 'stock' ? 'stock' : '')},
  {title: 'Barrier', key: (node) => node.barrier || '~', text: (node) => node.barrier || '', code: () => 'barrier'},
  {title: 'Bundle', key: (node) => (node.bundle ? node.play * 1e6 + node.bundle : Infinity), text: (node) => (node.bundle ? String(node.bundle) : ''), number: true},
  {title: 'Cut', key: (node) => node.cut || '~', text: (node) => [node.cut, node.cutDetail].filter(Boolean).join(' '), code: () => 'cut'},
  {title: 'Risk', key: (node) => RISKS.indexOf(node.risk), text: (node) => node.risk || ''},
  {title: 'After', key: (node) => (node.after || []).length, text: (node) => String((node.after || []).length), number: true},
  {title: 'Expected', key: (node) => (node.seconds === undefined ? -1 : node.seconds), text: (node) => node.estimate || '', number: true},
  {title: 'Where', key: (node) => node.where || '', text: (node) => node.where || ''},
];
const order = {column: 0, down: false};
let allRows = false;

function wanted() {
  const path = $('#by-path').value;
  const barrier = $('#by-barrier').value;
  const fits = (node, index) => (!path || node.path === path) && (!state.query || state.hitSet.has(index))
    && (!barrier || (barrier === 'any' ? node.barrier : barrier === 'none' ? !node.barrier : node.barrier === barrier));
  const found = nodes.map((_node, index) => index).filter((index) => fits(nodes[index], index));
  const {key} = COLUMNS[order.column];
  const keys = nodes.map(key);
  const compared = (a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b);
  return found.sort(order.down ? (a, b) => compared(b, a) : compared);
}

function cell(column, node, index) {
  if (column.name) {
    const marks = [node.kind === 'handler' ? 'handler ' : '', node.section ? `${node.section}: ` : ''].join('');
    return make('td', {class: 'name'}, marks, make('button', {onclick: () => choose(index, {reveal: false})}, node.name || '(no name)'));
  }
  const code = column.code ? column.code(node) : '';
  return make('td', {class: [column.number ? 'number' : '', code ? `code-${code}` : ''].join(' ').trim()}, column.text(node, index));
}

function drawTable() {
  const found = wanted();
  const rows = (allRows ? found : found.slice(0, FEW)).map((index) => make(
    'tr', {class: index === state.chosen ? 'chosen' : '', id: `row-${index}`}, COLUMNS.map((column) => cell(column, nodes[index], index))));
  $('#tasks tbody').replaceChildren(...rows);
  $('#shown').textContent = found.length === nodes.length ? `${nodes.length} tasks and handlers` : `${found.length} of ${nodes.length} tasks and handlers`;
  $('#rest').hidden = rows.length === found.length;
  $('#rest').textContent = `show all ${found.length}`;
  document.querySelectorAll('#tasks th').forEach((head, number) => {
    head.setAttribute('aria-sort', number !== order.column ? 'none' : order.down ? 'descending' : 'ascending');
    head.firstChild.textContent = COLUMNS[number].title + (number !== order.column ? '' : order.down ? ' ▾' : ' ▴');
  });
}

function sortBy(number) {
  order.down = number === order.column && !order.down;
  order.column = number;
  drawTable();
}

views.tasks = {
  show: drawTable,
  changed: drawTable,
  reveal(index) {
    if (!document.getElementById(`row-${index}`)) { allRows = true; drawTable(); }
    const row = document.getElementById(`row-${index}`);
    if (row) { row.scrollIntoView({block: 'center'}); }
  },
  key() { return false; },
};

function startTable() {
  $('#tasks thead').append(make('tr', {}, COLUMNS.map((column, number) => make('th', {scope: 'col'}, make('button', {onclick: () => sortBy(number)}, column.title)))));
  const paths = [...new Set(nodes.map((node) => node.path))].sort();
  const barriers = [...new Set(nodes.map((node) => node.barrier).filter(Boolean))].sort();
  $('#by-path').append(...paths.map((path) => make('option', {value: path}, path)));
  $('#by-barrier').append(...(barriers.length ? [['any', 'any'], ['none', 'none'], ...barriers.map((code) => [code, code])] : []).map(([value, text]) => make('option', {value}, text)));
  for (const id of ['#by-path', '#by-barrier']) { $(id).addEventListener('change', drawTable); }
  $('#rest').addEventListener('click', () => { allRows = true; drawTable(); });
}

startGraph();
startTimeline();
startTable();
start();
