/**
 * The question that is asked once when several cells are about to be run, and some of them
 * would wait for a confirmation.
 */

import { Dialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import type { Choice, IForeseen } from './foreseen';
import { Guard } from './guard';

const MAX_SHOWN = 8;

/**
 * Ask what to do.
 */
export async function choose(
  foreseen: IForeseen[],
  guard: Guard
): Promise<Choice> {
  const { trans } = guard;
  const dialog = new Dialog({
    title: trans._n(
      '%1 cell may be disallowed',
      '%1 cells may be disallowed',
      foreseen.length
    ),
    body: new Foreseen(foreseen, guard),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Run nothing') }),
      Dialog.okButton({
        label: trans.__('Run up to the first'),
        actions: ['stop']
      }),
      Dialog.warnButton({
        label: trans.__('Run all anyway'),
        actions: ['all']
      })
    ],
    // What Enter does: the choice that acknowledges nothing.
    defaultButton: 1,
    renderer: Dialog.defaultRenderer
  });
  const { button } = await dialog.launch();
  if (!button.accept) {
    return 'cancel';
  }
  return button.actions.includes('all') ? 'all' : 'stop';
}

class Foreseen extends Widget {
  constructor(foreseen: IForeseen[], guard: Guard) {
    super();
    const { trans } = guard;
    this.addClass('jp-TosGuard-foreseen');
    const sentence = document.createElement('p');
    sentence.textContent = foreseen[0].notice.sentence;
    const list = document.createElement('ul');
    for (const { cell, notice } of foreseen.slice(0, MAX_SHOWN)) {
      const [finding] = notice.findings;
      const item = document.createElement('li');
      const where = document.createElement('strong');
      const index = guard.panelOf(cell)?.content.widgets.indexOf(cell) ?? -1;
      where.textContent = trans.__('Cell %1', index + 1);
      const what = document.createElement('code');
      what.textContent = finding?.fragment ?? '';
      item.append(where, ` — ${finding?.message ?? notice.failure} `, what);
      list.append(item);
    }
    if (foreseen.length > MAX_SHOWN) {
      const item = document.createElement('li');
      item.textContent = trans.__('and %1 more.', foreseen.length - MAX_SHOWN);
      list.append(item);
    }
    const after = document.createElement('p');
    after.textContent = trans.__(
      'If you know that they are allowed, run them all: that is recorded with your name.'
    );
    this.node.append(sentence, list, after);
  }
}
