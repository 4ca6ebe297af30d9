/**
 * What is known about cells before they are run.
 */

import type { CodeCell } from '@jupyterlab/cells';
import type { INotice } from './notice/notice';

/** A cell that is about to be run, and the notice that it would get. */
export interface IForeseen {
  cell: CodeCell;
  notice: INotice;
}

/** Run nothing, run up to the first such cell, run them all. */
export type Choice = 'cancel' | 'stop' | 'all';

/**
 * The cells that would wait for a confirmation: none after the first that is blocked, since
 * the run stops there.
 */
export function warned(
  cells: CodeCell[],
  notices: Map<string, INotice>
): IForeseen[] {
  const found: IForeseen[] = [];
  for (const cell of cells) {
    const notice = notices.get(cell.model.id);
    if (notice?.effect === 'block') {
      break;
    }
    if (notice?.acknowledge) {
      found.push({ cell, notice });
    }
  }
  return found;
}
