/**
 * The guard in a few words, at the edge of the window.
 */

import { ISignal, Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { Guard } from './guard';
import { guardIcon } from './icon';
import { ISummary, summarize } from './status';

export class StatusItem extends Widget {
  constructor(private readonly _guard: Guard) {
    super({ node: document.createElement('button') });
    this.addClass('jp-TosGuard-status');
    (this.node as HTMLButtonElement).type = 'button';
    this._label.className = 'jp-TosGuard-status-label';
    this.node.append(
      guardIcon.element({ tag: 'span', width: '14px' }),
      this._label
    );
    this.node.addEventListener('click', _guard.openPanel);
    _guard.status.changed.connect(this._show, this);
    _guard.options.changed.connect(this._show, this);
    this._show();
  }

  /** Whether it is to be seen: always when something is wrong, else as the user likes. */
  get isWanted(): boolean {
    const { tone } = this._summary;
    return (
      this._guard.options.showStatus || tone === 'warning' || tone === 'error'
    );
  }

  /** Emitted when {@link isWanted} may have changed. */
  get wantedChanged(): ISignal<this, void> {
    return this._wantedChanged;
  }

  dispose(): void {
    this._guard.status.changed.disconnect(this._show, this);
    this._guard.options.changed.disconnect(this._show, this);
    super.dispose();
  }

  private _show(): void {
    const { status, trans } = this._guard;
    this._summary = summarize(status.current, status.absence, trans);
    const { label, details, tone } = this._summary;
    this._label.textContent = label;
    this.node.dataset.tone = tone;
    this.node.title = [...details, trans.__('Click to see more.')].join('\n');
    this.node.setAttribute(
      'aria-label',
      trans.__('Terms of use: %1. Opens the panel.', label)
    );
    this._wantedChanged.emit();
  }

  private readonly _wantedChanged = new Signal<this, void>(this);
  private _summary: ISummary = { label: '', details: [], tone: 'quiet' };
  private readonly _label = document.createElement('span');
}
