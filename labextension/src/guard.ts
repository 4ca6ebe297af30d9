/**
 * What the parts of this extension share: what is known, and the few things that more than one
 * of them does.
 */

import { CodeCell } from '@jupyterlab/cells';
import {
  INotebookTracker,
  NotebookActions,
  NotebookPanel
} from '@jupyterlab/notebook';
import { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';
import { DOMAIN, METADATA_KEY } from './names';
import { IFinding } from './notice/notice';
import { Options } from './options';
import { Rest } from './rest';
import { Status } from './status';

export class Guard {
  constructor(
    readonly rest: Rest,
    readonly options: Options,
    readonly translator: ITranslator,
    /** Shows the panel; says nothing where there is none. */
    readonly openPanel: () => void
  ) {
    this.status = new Status(rest);
    this.trans = translator.load(DOMAIN);
  }

  /** Null until notebooks are there, and where there are none. */
  tracker: INotebookTracker | null = null;

  readonly status: Status;
  readonly trans: TranslationBundle;

  /** Whether the application runs its cells through our executor. */
  executes = false;

  /** Digests that users have acknowledged, sent with the next run of the cell. */
  readonly acknowledged = new WeakMap<object, string>();

  /** The notebook that shows a cell. */
  panelOf(cell: CodeCell): NotebookPanel | null {
    return (
      this.tracker?.find(panel => panel.content.widgets.includes(cell)) ?? null
    );
  }

  /**
   * Run a warned cell as it is.
   *
   * @param digest - of the text that the user was warned about; another text is warned about anew
   */
  async runAnyway(cell: CodeCell, digest: string): Promise<void> {
    const panel = this.panelOf(cell);
    if (!panel) {
      return;
    }
    if (this.executes) {
      this.acknowledged.set(cell.model, digest);
      await NotebookActions.runCells(
        panel.content,
        [cell],
        panel.sessionContext,
        undefined,
        this.translator
      );
      return;
    }
    // Somebody else's executor, which knows nothing of acknowledging.
    await CodeCell.execute(cell, panel.sessionContext, {
      deletedCells: panel.content.model?.deletedCells ?? [],
      recordTiming: panel.content.notebookConfig.recordTiming,
      [METADATA_KEY]: { acknowledge: digest }
    });
  }

  /** Mark what findings are about in a cell's editor, instead of what was marked there before. */
  async mark(cell: CodeCell, findings: IFinding[]): Promise<void> {
    if (this.options.markInEditor) {
      const { mark } = await import('./notice/marks');
      await mark(cell, findings, this.trans);
    }
  }

  /** Remove the marks that were made for these very findings. */
  async unmark(cell: CodeCell, findings: IFinding[]): Promise<void> {
    const { unmark } = await import('./notice/marks');
    unmark(cell, findings);
  }
}

export const IGuard = new Token<Guard>(
  'jupyter-tos-guard:IGuard',
  'State and actions that the parts of jupyter-tos-guard share.'
);
