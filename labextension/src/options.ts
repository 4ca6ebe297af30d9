/**
 * The user's settings. What they say about is what is shown, never what is allowed.
 */

import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ISignal, Signal } from '@lumino/signaling';

export class Options {
  showStatus = true;
  markInEditor = true;
  askBeforeRunAll = true;
  checkOnOpen = true;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Follow the settings, which may be changed at any time. */
  follow(settings: ISettingRegistry.ISettings): void {
    const take = (): void => {
      const values = settings.composite;
      this.showStatus = values.showStatus !== false;
      this.markInEditor = values.markInEditor !== false;
      this.askBeforeRunAll = values.askBeforeRunAll !== false;
      this.checkOnOpen = values.checkOnOpen !== false;
      this._changed.emit();
    };
    settings.changed.connect(take);
    take();
  }

  private readonly _changed = new Signal<this, void>(this);
}
