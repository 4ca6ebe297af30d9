/**
 * Says when a notebook is opened that cells of it would be stopped, before any is run.
 *
 * Only where the operator allows it and the user has not turned it off. Asking runs and
 * records nothing. Nothing is loaded unless there is something to say.
 */

import { CodeCell } from '@jupyterlab/cells';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Guard } from './guard';
import { INotice } from './notice/notice';

const MAX_CELLS = 1000;
const MAX_CHARACTERS = 2_000_000;

export class Opening {
  constructor(
    private readonly _guard: Guard,
    private readonly _tracker: INotebookTracker
  ) {
    _tracker.widgetAdded.connect((_, panel) => void this._look(panel));
    _tracker.forEach(panel => void this._look(panel));
    _guard.status.changed.connect(() => void this._onStatus());
  }

  private async _look(panel: NotebookPanel): Promise<void> {
    await panel.revealed;
    await panel.context.ready;
    const status = await this._guard.status.first;
    if (status?.check.notebooks && this._guard.options.checkOnOpen) {
      await this._check(panel);
    }
  }

  /** A new policy may say something else about what is open. */
  private async _onStatus(): Promise<void> {
    const { current } = this._guard.status;
    const version = current?.policy.version ?? '';
    const before = this._version;
    if (!version || version === before) {
      return;
    }
    this._version = version;
    if (before && current?.check.notebooks && this._guard.options.checkOnOpen) {
      this._tracker.forEach(panel => void this._check(panel));
    }
  }

  private async _check(panel: NotebookPanel): Promise<void> {
    if (panel.isDisposed || !panel.content.model) {
      return;
    }
    const cells = Array.from(panel.content.model.cells)
      .filter(cell => cell.type === 'code')
      .map(cell => ({ id: cell.id, source: cell.sharedModel.getSource() }));
    const size = cells.reduce((sum, cell) => sum + cell.source.length, 0);
    if (!size || cells.length > MAX_CELLS || size > MAX_CHARACTERS) {
      return;
    }
    let notices: Map<string, INotice>;
    try {
      notices = await this._guard.rest.check(
        cells,
        panel.content.model.defaultKernelLanguage,
        panel.context.path,
        'open'
      );
    } catch {
      return; // busy or switched off meanwhile; each cell is decided about when it is run
    }
    if (!panel.isDisposed) {
      await this._say(panel, notices);
    }
  }

  private async _say(
    panel: NotebookPanel,
    notices: Map<string, INotice>
  ): Promise<void> {
    const hits = panel.content.widgets.flatMap(cell => {
      const notice = notices.get(cell.model.id);
      const isSaid = cell.node.querySelector('.jp-TosGuard-notice') !== null;
      return notice && !isSaid && cell instanceof CodeCell
        ? [{ cell, notice }]
        : [];
    });
    if (hits.length) {
      const { showBar } = await import('./bar');
      showBar(panel, hits, this._guard);
    } else if (panel.node.querySelector('.jp-TosGuard-bar')) {
      const { removeBar } = await import('./bar');
      removeBar(panel);
    }
  }

  private _version = '';
}
