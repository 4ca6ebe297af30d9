/**
 * The dialog in which a user says that something was a mistake.
 */

import { Dialog, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';
import { announce } from './announce';
import { Guard } from './guard';

const MAX_TEXT = 4000;

/**
 * Ask for the reasons, and send them with the strike.
 *
 * @param strike - number of the strike
 * @param about - what it was, as text
 * @returns whether an appeal was sent
 */
export async function askForAppeal(
  guard: Guard,
  strike: string,
  about: string
): Promise<boolean> {
  const { trans } = guard;
  const body = new AppealBody(guard, about);
  const { button, value } = await showDialog({
    title: trans.__('This is a mistake'),
    body,
    focusNodeSelector: 'textarea',
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Send') })
    ]
  });
  if (!button.accept || !value) {
    return false;
  }
  try {
    await guard.rest.appeal(strike, value);
    announce(trans.__('Your appeal was sent.'), 'polite');
    return true;
  } catch (error) {
    // The words are not lost: they are what took time.
    await showErrorMessage(
      trans.__('The appeal was not sent'),
      `${(error as Error).message}\n\n${value}`
    );
    return false;
  }
}

class AppealBody extends Widget implements Dialog.IBodyWidget<string> {
  constructor(guard: Guard, about: string) {
    super();
    const { trans } = guard;
    this.addClass('jp-TosGuard-appeal');
    const explanation = document.createElement('p');
    explanation.textContent = trans.__(
      'A person who runs this hub reads this, and answers. What was stopped is attached:'
    );
    const attached = document.createElement('pre');
    attached.textContent = about;
    attached.tabIndex = 0;
    attached.setAttribute('aria-label', trans.__('What is attached'));
    const label = document.createElement('label');
    label.textContent = trans.__('What were you doing, and why is it allowed?');
    this._text = document.createElement('textarea');
    this._text.rows = 5;
    this._text.maxLength = MAX_TEXT;
    this._text.className = 'jp-mod-styled';
    label.appendChild(this._text);
    this.node.append(explanation, attached, label);
  }

  getValue(): string {
    return this._text.value.trim();
  }

  private readonly _text: HTMLTextAreaElement;
}
