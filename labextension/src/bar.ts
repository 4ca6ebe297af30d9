/**
 * A bar at the lower edge of a notebook that says which cells would be stopped. It lies over
 * the notebook's empty end, so that nothing moves when it comes.
 */

import { Cell, CodeCell } from '@jupyterlab/cells';
import { NotebookActions, NotebookPanel } from '@jupyterlab/notebook';
import { announce } from './announce';
import { Guard } from './guard';
import { INotice } from './notice/notice';

interface IHit {
  cell: CodeCell;
  notice: INotice;
}

/** Once one of the cells is run, its notice says more, and the bar would lie over it. */
NotebookActions.executionScheduled.connect((_, { notebook, cell }) => {
  for (const [panel, cells] of named) {
    if (panel.isDisposed || (panel.content === notebook && cells.has(cell))) {
      removeBar(panel);
    }
  }
});

/** The cells that a bar names. */
const named = new Map<NotebookPanel, Set<Cell>>();
const bars = new WeakMap<NotebookPanel, HTMLElement>();
const MAX_NAMED = 5;

/**
 * Show the bar in a notebook, in place of an earlier one.
 */
export function showBar(
  panel: NotebookPanel,
  hits: IHit[],
  guard: Guard
): void {
  const { trans } = guard;
  removeBar(panel);
  for (const { cell, notice } of hits) {
    if (!cell.outputArea.node.querySelector('.jp-TosGuard-notice')) {
      void guard.mark(cell, notice.findings);
    }
  }
  const numbers = hits.map(hit => panel.content.widgets.indexOf(hit.cell) + 1);
  const list =
    numbers.slice(0, MAX_NAMED).join(', ') +
    (numbers.length > MAX_NAMED ? ', …' : '');
  const text = trans._n(
    'Cell %2 may be disallowed by the terms of use of this hub. Nothing was run or recorded.',
    'Cells %2 may be disallowed by the terms of use of this hub. Nothing was run or recorded.',
    hits.length,
    list
  );

  const bar = document.createElement('div');
  bar.className = 'jp-TosGuard-bar';
  bar.dataset.effect = hits.some(hit => hit.notice.effect === 'block')
    ? 'block'
    : 'warn';
  bar.setAttribute('role', 'region');
  bar.setAttribute('aria-label', trans.__('Terms of use'));
  const words = document.createElement('span');
  words.textContent = text;
  let next = 0;
  bar.append(
    words,
    button(hits.length > 1 ? trans.__('Show next') : trans.__('Show'), () => {
      show(panel, hits[next % hits.length].cell);
      next += 1;
    }),
    button(trans.__('Dismiss'), () => {
      removeBar(panel);
      panel.content.activate();
    })
  );
  bar.addEventListener('keydown', event => {
    if (event.key === 'Escape') {
      removeBar(panel);
      panel.content.activate();
    }
    event.stopPropagation(); // the notebook's own shortcuts are not meant
  });
  panel.node.appendChild(bar);
  bars.set(panel, bar);
  named.set(panel, new Set(hits.map(hit => hit.cell)));
  announce(text, 'polite');
}

/** Remove the bar of a notebook, if there is one. */
export function removeBar(panel: NotebookPanel): void {
  bars.get(panel)?.remove();
  bars.delete(panel);
  named.delete(panel);
}

function show(panel: NotebookPanel, cell: CodeCell): void {
  const index = panel.content.widgets.indexOf(cell);
  if (index >= 0) {
    panel.content.activeCellIndex = index;
    void panel.content.scrollToItem(index, 'smart');
  }
}

function button(label: string, onClick: () => void): HTMLButtonElement {
  const node = document.createElement('button');
  node.type = 'button';
  node.className = 'jp-TosGuard-button';
  node.textContent = label;
  node.addEventListener('click', onClick);
  return node;
}
