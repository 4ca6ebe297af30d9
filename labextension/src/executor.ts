/**
 * Runs cells as JupyterLab does, and two things more: it sends along what the user has
 * acknowledged, and it asks once, not cell by cell, when several cells are run together.
 *
 * Whatever goes wrong here, cells run as if this were not here; the decision about them is
 * taken elsewhere.
 */

import { CodeCell, ICodeCellModel } from '@jupyterlab/cells';
import {
  INotebookCellExecutor,
  KernelError,
  runCell
} from '@jupyterlab/notebook';
import { Choice, IForeseen, warned } from './foreseen';
import { Guard } from './guard';
import { METADATA_KEY } from './names';

type Options = INotebookCellExecutor.IRunCellOptions;

interface ICall {
  options: Options;
  resolve: (ran: boolean) => void;
  reject: (reason: unknown) => void;
}

/** Milliseconds for which several cells wait for an answer about them. */
const PATIENCE = 2000;
const MAX_CELLS = 1000;
const MAX_CHARACTERS = 2_000_000;

export class Executor implements INotebookCellExecutor {
  constructor(
    private readonly _guard: Guard,
    private readonly _choose: (
      foreseen: IForeseen[],
      guard: Guard
    ) => Promise<Choice>
  ) {}

  /**
   * Run a cell. Cells that are handed in together are seen together.
   */
  runCell(options: Options): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this._calls.push({ options, resolve, reject });
      if (this._calls.length === 1) {
        queueMicrotask(() => {
          void this._take(this._calls.splice(0));
        });
      }
    });
  }

  private async _take(calls: ICall[]): Promise<void> {
    const { notebook } = calls[0].options;
    // What comes later does not overtake what waits for an answer.
    const earlier = this._waiting.get(notebook);
    if (earlier) {
      await earlier;
    }
    if (!this._mayAsk(calls)) {
      this._run(calls);
      return;
    }
    const done = this._ask(calls)
      .catch(() => 'stop' as Choice)
      .then(choice => {
        this._waiting.delete(notebook);
        if (choice === 'cancel') {
          calls.forEach(call => call.resolve(false));
        } else {
          this._run(calls);
        }
      });
    this._waiting.set(notebook, done);
    await done;
  }

  private _run(calls: ICall[]): void {
    for (const { options, resolve, reject } of calls) {
      this._start(options).then(resolve, reject);
    }
  }

  private _start(options: Options): Promise<boolean> {
    const { model } = options.cell;
    const digest = this._guard.acknowledged.get(model);
    this._guard.acknowledged.delete(model);
    if (digest) {
      return send(options, { acknowledge: digest });
    }
    // A request carries the metadata of the cell, and a notebook file may hold any: nobody
    // but the user acknowledges.
    return model.getMetadata(METADATA_KEY) === undefined
      ? runCell(options)
      : send(options, {});
  }

  private _mayAsk(calls: ICall[]): boolean {
    const { status, options } = this._guard;
    const texts = calls
      .map(call => codeOf(call))
      .filter(text => text.trim() !== '');
    return (
      options.askBeforeRunAll &&
      status.current !== null &&
      status.current.check.cells &&
      texts.length > 1 &&
      texts.length <= MAX_CELLS &&
      texts.join('').length <= MAX_CHARACTERS
    );
  }

  private async _ask(calls: ICall[]): Promise<Choice> {
    const { notebook, sessionContext } = calls[0].options;
    const cells = calls
      .map(call => call.options.cell)
      .filter((cell): cell is CodeCell => cell instanceof CodeCell);
    const notices = await within(
      PATIENCE,
      this._guard.rest.check(
        cells.map(({ model }) => ({
          id: model.id,
          source: model.sharedModel.getSource()
        })),
        notebook.defaultKernelLanguage,
        sessionContext?.path ?? '',
        'run'
      )
    );
    const foreseen = warned(cells, notices);
    if (!foreseen.length) {
      return 'stop';
    }
    const choice = await this._choose(foreseen, this._guard);
    if (choice === 'all') {
      for (const { cell, notice } of foreseen) {
        this._guard.acknowledged.set(cell.model, notice.acknowledge);
      }
    }
    return choice;
  }

  private readonly _calls: ICall[] = [];
  private readonly _waiting = new WeakMap<object, Promise<void>>();
}

/**
 * Run a code cell as `runCell` does, with more metadata in the request.
 */
async function send(
  options: Options,
  guard: { acknowledge?: string }
): Promise<boolean> {
  const { cell, notebook, notebookConfig, sessionContext } = options;
  if (
    !(cell instanceof CodeCell) ||
    !sessionContext ||
    sessionContext.isTerminating ||
    sessionContext.hasNoKernel ||
    sessionContext.pendingInput
  ) {
    return runCell(options); // nothing is sent, or only after a dialog
  }
  options.onCellExecutionScheduled({ cell });
  let ran: boolean;
  try {
    const { deletedCells } = notebook;
    const reply = await CodeCell.execute(cell, sessionContext, {
      deletedCells,
      recordTiming: notebookConfig.recordTiming,
      [METADATA_KEY]: guard
    });
    deletedCells.splice(0, deletedCells.length);
    if (reply && reply.content.status !== 'ok') {
      throw new KernelError(reply.content);
    }
    ran = !cell.isDisposed;
  } catch (error) {
    const reason = error as KernelError;
    if (cell.isDisposed || reason.message.startsWith('Canceled')) {
      return false;
    }
    options.onCellExecuted({ cell, success: false, error: reason });
    throw reason;
  }
  if (ran) {
    options.onCellExecuted({ cell, success: true });
  }
  return ran;
}

function codeOf({ options }: ICall): string {
  const { model } = options.cell;
  return model.type === 'code'
    ? (model as ICodeCellModel).sharedModel.getSource()
    : '';
}

function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(
      () => reject(new Error('no answer in time')),
      milliseconds
    );
    answer.then(resolve, reject).finally(() => window.clearTimeout(timer));
  });
}
