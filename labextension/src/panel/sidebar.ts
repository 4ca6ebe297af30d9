/**
 * The side panel, as far as it is there from the start: an icon. The rest is loaded when it
 * is opened for the first time.
 */

import { Panel } from '@lumino/widgets';
import { Guard } from '../guard';
import { guardIcon } from '../icon';

export class Sidebar extends Panel {
  constructor(private readonly _guard: Guard) {
    super();
    this.id = 'jupyter-tos-guard-panel';
    this.addClass('jp-TosGuard-sidebar');
    this.title.icon = guardIcon;
    this.title.caption = _guard.trans.__('Terms of use');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', this.title.caption);
  }

  protected onAfterShow(): void {
    void this._fill();
  }

  private async _fill(): Promise<void> {
    const { Record } = await import('./record');
    if (this.isDisposed) {
      return;
    }
    if (!this._record) {
      this._record = new Record(this._guard);
      this.addWidget(this._record);
    }
    this._record.refresh();
  }

  private _record: InstanceType<(typeof import('./record'))['Record']> | null =
    null;
}
