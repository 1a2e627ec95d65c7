// GNU General Public License v3.0+ (see LICENSE)
// The page of a run: sorting of tables, links to tasks, and the theme. The timeline is in the file that follows this one.
// Rule 1: text of the run gets into the page as text (textContent), never as markup.
// Rule 2: without this script the page says the same; nothing is decided here.
'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const $ = (selector) => document.querySelector(selector);

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith('on')) { element.addEventListener(name.slice(2), value); } else { element.setAttribute(name, value); }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ''));
  return element;
}

function lasting(ms) {
  if (ms < 1000) { return `${Math.round(ms)} ms`; }
  if (ms < 9950) { return `${(ms / 1000).toFixed(1)} s`; }
  const whole = Math.round(ms / 1000);
  if (whole < 60) { return `${whole} s`; }
  const two = (number) => String(number).padStart(2, '0');
  return whole < 3600 ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s` : `${Math.floor(whole / 3600)} h ${two(Math.floor(whole % 3600 / 60))} min`;
}

// --- tables -----------------------------------------------------------------------------------------------------------

function keyOf(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent.toLowerCase() : Number(cell.dataset.value);
}

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const title = head.textContent;
    const button = make('button', {onclick: () => {
      const down = head.getAttribute('aria-sort') !== 'descending' && (head.getAttribute('aria-sort') === 'ascending' || head.classList.contains('number'));
      const rows = [...table.tBodies[0].rows].map((row) => [keyOf(row, column), row]);
      rows.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0) * (down ? -1 : 1));
      table.tBodies[0].append(...rows.map(([, row]) => row));
      heads.forEach((other) => { other.removeAttribute('aria-sort'); other.firstChild.textContent = other.dataset.title; });
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      button.textContent = `${title} ${down ? '▾' : '▴'}`;
    }}, title);
    head.dataset.title = title;
    head.replaceChildren(button);
  });
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

// --- the start: called by the last file ----------------------------------------------------------------------------------

function toTask() {
  const row = /^#task-\d+$/.test(location.hash) ? document.getElementById(location.hash.slice(1)) : null;
  if (row) {
    row.closest('details').open = true;
    row.scrollIntoView({block: 'center'});
  }
}

function start() {
  document.querySelectorAll('table.sortable').forEach(sortable);
  addEventListener('hashchange', toTask);
  toTask();
  $('#theme').hidden = false;
  $('#theme').addEventListener('click', () => {
    const order = matchMedia('(prefers-color-scheme: dark)').matches ? ['light', 'dark', ''] : ['dark', 'light', ''];
    const root = document.documentElement;
    root.dataset.theme = order[(order.indexOf(root.dataset.theme || '') + 1) % 3];
    dispatchEvent(new Event('resize'));
  });
}
