/**
 * A notice below its cell: what was not run, why, what happens next, what can be done.
 */

import { Clipboard, ReactWidget } from '@jupyterlab/apputils';
import { CodeCell } from '@jupyterlab/cells';
import { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import * as React from 'react';
import { announce } from '../announce';
import { Guard } from '../guard';
import { IFinding, INotice } from './notice';
import { rangeIn } from './place';

export interface IHost {
  guard: Guard;
  /** Null outside of a notebook, such as in a view of an output of its own. */
  cell: CodeCell | null;
  /** Whether the notice came from the kernel, just now. */
  isLive: boolean;
}

export class NoticeView extends ReactWidget {
  constructor(
    private readonly _notice: INotice,
    private readonly _host: IHost
  ) {
    super();
    const { guard, cell, isLive } = _host;
    guard.status.changed.connect(this.update, this);
    if (cell) {
      void guard.mark(cell, _notice.findings);
      cell.model.contentChanged.connect(this._onEdited, this);
    }
    if (isLive) {
      guard.status.refresh(); // a strike may have changed where the user stands
      announce(
        [_notice.headline, ..._notice.findings.map(each => each.message)].join(
          ' '
        ),
        _notice.effect === 'block' ? 'assertive' : 'polite'
      );
    }
    this._source = cell?.model.sharedModel.getSource() ?? '';
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    const { guard, cell } = this._host;
    guard.status.changed.disconnect(this.update, this);
    if (cell) {
      cell.model?.contentChanged.disconnect(this._onEdited, this);
      void guard.unmark(cell, this._notice.findings);
    }
    super.dispose();
  }

  protected render(): JSX.Element {
    return (
      <Notice
        notice={this._notice}
        host={this._host}
        isEdited={this._isEdited}
      />
    );
  }

  private _onEdited(): void {
    const source = this._host.cell?.model.sharedModel.getSource();
    if (!this._isEdited && source !== this._source) {
      this._isEdited = true;
      this.update();
    }
  }

  private readonly _source: string;
  private _isEdited = false;
}

interface INoticeProps {
  notice: INotice;
  host: IHost;
  isEdited: boolean;
}

function Notice({ notice, host, isEdited }: INoticeProps): JSX.Element {
  const { trans } = host.guard;
  const id = React.useMemo(() => `tos-guard-${UUID.uuid4()}`, []);
  const { terms } = notice;
  return (
    <section
      className="jp-TosGuard-notice"
      data-effect={notice.effect}
      aria-labelledby={id}
    >
      <h3 id={id}>
        <span className="jp-TosGuard-sign" aria-hidden="true" />
        {notice.headline}
      </h3>
      <p className="jp-TosGuard-sentence">{notice.sentence}</p>
      {notice.findings.map((finding, index) => (
        <Finding key={index} finding={finding} host={host} />
      ))}
      {notice.more > 0 && (
        <p>{trans._n('and %1 more.', 'and %1 more.', notice.more)}</p>
      )}
      {notice.failure && (
        <p>{trans.__('The cell could not be checked: %1', notice.failure)}</p>
      )}
      {notice.next && (
        <p className="jp-TosGuard-next">
          <strong>{trans.__('What happens next:')}</strong> {notice.next}
        </p>
      )}
      <Actions notice={notice} host={host} isEdited={isEdited} />
      <footer>
        {terms.url ? (
          <a href={terms.url} target="_blank" rel="noopener noreferrer">
            {termsName(notice, trans)}
          </a>
        ) : (
          <span>{termsName(notice, trans)}</span>
        )}
        {terms.contact && (
          <span>{trans.__('Questions: %1', terms.contact)}</span>
        )}
      </footer>
    </section>
  );
}

function Finding(props: { finding: IFinding; host: IHost }): JSX.Element {
  const { finding, host } = props;
  const { trans } = host.guard;
  const place = placeOf(finding, trans);
  return (
    <div className="jp-TosGuard-finding">
      <p>
        <strong>{clauseName(finding, trans)}</strong>
        {finding.message && <> — {finding.message}</>}
      </p>
      <p className="jp-TosGuard-place">
        {host.cell && !finding.where ? (
          <button
            type="button"
            className="jp-TosGuard-link"
            onClick={() => goTo(finding, host)}
          >
            {place}
          </button>
        ) : (
          place
        )}
      </p>
      {finding.fragment && (
        <pre dir="ltr" tabIndex={0} aria-label={place}>
          <code>{finding.fragment}</code>
        </pre>
      )}
      {finding.decoded && (
        <details>
          <summary>
            {finding.provenance.length
              ? trans.__(
                  'What it says, found through %1',
                  finding.provenance.join(', ')
                )
              : trans.__('What it says')}
          </summary>
          <pre dir="ltr">
            <code>{finding.decoded}</code>
          </pre>
        </details>
      )}
    </div>
  );
}

function Actions({ notice, host, isEdited }: INoticeProps): JSX.Element {
  const { guard, cell, isLive } = host;
  const { trans } = guard;
  const [said, say] = React.useState('');
  const [appealed, setAppealed] = React.useState(false);
  const strike = notice.findings.find(each => each.strike)?.strike ?? '';
  const mayNotRun = whyNotRun(host, isEdited);
  const mayNotAppeal = appealed
    ? trans.__('Your appeal was sent.')
    : whyNotAppeal(notice, strike, guard);
  const reasons = [
    ...(notice.acknowledge && mayNotRun ? [mayNotRun] : []),
    ...(strike && mayNotAppeal ? [mayNotAppeal] : [])
  ];

  const runAnyway = async (): Promise<void> => {
    if (cell && isLive) {
      await guard.runAnyway(cell, notice.acknowledge);
    }
  };
  const appeal = async (): Promise<void> => {
    const { askForAppeal } = await import('../appeal');
    if (await askForAppeal(guard, strike, describe(notice, trans))) {
      setAppealed(true);
    }
  };
  const copy = (): void => {
    Clipboard.copyToSystem(describe(notice, trans));
    say(trans.__('Copied.'));
  };

  return (
    <>
      <div className="jp-TosGuard-actions">
        {notice.acknowledge && (
          <Action
            label={trans.__('Run anyway')}
            title={trans.__(
              'Runs the cell as it is. That is recorded with your name.'
            )}
            refusal={mayNotRun}
            isMain
            onClick={() => void runAnyway()}
          />
        )}
        {strike && (
          <Action
            label={trans.__('This is a mistake')}
            title={trans.__('Tell the people who run this hub.')}
            refusal={mayNotAppeal}
            onClick={() => void appeal()}
          />
        )}
        <Action label={trans.__('Copy details')} onClick={copy} />
        <span role="status">{said}</span>
      </div>
      {notice.acknowledge && !mayNotRun && (
        <p className="jp-TosGuard-small">
          {trans.__('Running it anyway is recorded with your name.')}
        </p>
      )}
      {reasons.map(reason => (
        <p key={reason} className="jp-TosGuard-small">
          {reason}
        </p>
      ))}
    </>
  );
}

interface IActionProps {
  label: string;
  title?: string;
  /** Why not; empty when nothing is in the way. */
  refusal?: string;
  isMain?: boolean;
  onClick: () => void;
}

/** A button that can be reached, and says why, also when it does nothing. */
function Action(props: IActionProps): JSX.Element {
  const { label, title, refusal, isMain, onClick } = props;
  return (
    <button
      type="button"
      className={`jp-TosGuard-button${isMain ? ' jp-mod-main' : ''}`}
      title={refusal || title}
      aria-disabled={refusal ? true : undefined}
      onClick={refusal ? undefined : onClick}
    >
      {label}
    </button>
  );
}

function whyNotRun(host: IHost, isEdited: boolean): string {
  const { trans } = host.guard;
  if (!host.cell) {
    return trans.__('“Run anyway” works below the cell in its notebook.');
  }
  if (!host.isLive) {
    return trans.__(
      'This notice was saved with the notebook. Run the cell to be asked again.'
    );
  }
  return isEdited
    ? trans.__('The cell was edited. Run it, and it is checked anew.')
    : '';
}

function whyNotAppeal(notice: INotice, strike: string, guard: Guard): string {
  const { trans } = guard;
  const { current, absence } = guard.status;
  if (current?.central.configured) {
    return '';
  }
  if (!current && absence === 'unknown') {
    return trans.__('Asking the server whether it takes appeals…');
  }
  return notice.terms.contact
    ? trans.__(
        'A mistake? Appeals are not taken here: write to %1, quoting %2.',
        notice.terms.contact,
        strike
      )
    : trans.__(
        'A mistake? Appeals are not taken here: tell the people who run this hub, quoting %1.',
        strike
      );
}

function goTo(finding: IFinding, { guard, cell }: IHost): void {
  const panel = cell && guard.panelOf(cell);
  if (!cell || !panel) {
    return;
  }
  panel.content.activeCellIndex = panel.content.widgets.indexOf(cell);
  panel.content.mode = 'edit';
  const range = rangeIn(cell.model.sharedModel.getSource(), finding);
  const at = range && cell.editor?.getPositionAt(range.from);
  if (at) {
    cell.editor?.setCursorPosition(at);
  }
  cell.editor?.focus();
}

function clauseName(finding: IFinding, trans: TranslationBundle): string {
  const { number, title, id } = finding.clause;
  return number
    ? trans.__('Clause %1, %2', number, title || id)
    : trans.__('Clause %1', title || id);
}

function placeOf(finding: IFinding, trans: TranslationBundle): string {
  const { where, line, column } = finding;
  return where
    ? trans.__('%1, line %2, column %3', where, line, column + 1)
    : trans.__('Line %1, column %2', line, column + 1);
}

function termsName({ terms }: INotice, trans: TranslationBundle): string {
  const title = terms.title || trans.__('The terms of use of this hub');
  return terms.version
    ? trans.__('%1, version %2', title, terms.version)
    : title;
}

/** The notice as text, for a letter. */
export function describe(notice: INotice, trans: TranslationBundle): string {
  const lines = [notice.headline, notice.sentence];
  for (const finding of notice.findings) {
    lines.push(
      '',
      `${clauseName(finding, trans)}: ${finding.message}`,
      `${placeOf(finding, trans)}: ${finding.fragment}`
    );
    if (finding.decoded) {
      lines.push(
        `${trans.__('What it says')}: ${finding.decoded} (${finding.provenance.join(', ')})`
      );
    }
    lines.push(trans.__('Rule: %1', finding.rule));
    if (finding.strike) {
      lines.push(trans.__('Strike: %1', finding.strike));
    }
  }
  if (notice.failure) {
    lines.push('', notice.failure);
  }
  lines.push(
    '',
    trans.__('Policy: %1', notice.policyVersion),
    termsName(notice, trans)
  );
  return lines.join('\n');
}
