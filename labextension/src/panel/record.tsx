/**
 * What the side panel shows: where the user stands, their strikes, the terms, appeals, messages.
 */

import { ReactWidget } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { announce } from '../announce';
import { askForAppeal } from '../appeal';
import { Guard } from '../guard';
import {
  IAppeal,
  IMessage,
  IStanding,
  IStatus,
  IStrike,
  ITerms,
  Refusal
} from '../rest';
import { levelName, summarize } from '../status';

/** What a request brought, or why it brought nothing. */
interface IPart<T> {
  value: T | null;
  problem: string;
}

interface IRecord {
  strikes: IPart<IStrike[]>;
  terms: IPart<ITerms>;
  appeals: IPart<IAppeal[]>;
  messages: IPart<IMessage[]>;
}

export class Record extends ReactWidget {
  constructor(private readonly _guard: Guard) {
    super();
    this.addClass('jp-TosGuard-record');
    _guard.status.changed.connect(this.update, this);
  }

  dispose(): void {
    this._guard.status.changed.disconnect(this.update, this);
    super.dispose();
  }

  /** Ask the server again for everything. */
  refresh(): void {
    this._guard.status.refresh();
    void this._load();
  }

  protected render(): JSX.Element {
    return (
      <RecordView
        guard={this._guard}
        record={this._record}
        onChange={() => this.refresh()}
      />
    );
  }

  private async _load(): Promise<void> {
    const { rest, status, trans } = this._guard;
    const isMissing = status.absence === 'no-server-part';
    const [strikes, terms, appeals, messages] = await Promise.all([
      part(rest.strikes(), trans, isMissing),
      part(rest.terms(), trans, isMissing),
      part(rest.appeals(), trans, isMissing),
      part(rest.messages(), trans, isMissing)
    ]);
    this._record = { strikes, terms, appeals, messages };
    this.update();
  }

  private _record: IRecord | null = null;
}

async function part<T>(
  answer: Promise<T>,
  trans: TranslationBundle,
  isMissing: boolean
): Promise<IPart<T>> {
  try {
    return { value: await answer, problem: '' };
  } catch (error) {
    const { status, message } = error as Refusal;
    if (status === 0) {
      return { value: null, problem: trans.__('The server does not answer.') };
    }
    return {
      value: null,
      problem:
        status === 404 && isMissing
          ? trans.__(
              'The part of the guard in the Jupyter server is not there.'
            )
          : message
    };
  }
}

interface IRecordProps {
  guard: Guard;
  record: IRecord | null;
  onChange: () => void;
}

function RecordView({ guard, record, onChange }: IRecordProps): JSX.Element {
  const { trans, status } = guard;
  const { label, details, tone } = summarize(
    status.current,
    status.absence,
    trans
  );
  return (
    <>
      <div className="jp-TosGuard-record-header">
        <h2>{trans.__('Terms of use')}</h2>
        <button
          type="button"
          className="jp-TosGuard-button"
          onClick={onChange}
          title={trans.__('Ask the server again')}
        >
          {trans.__('Refresh')}
        </button>
      </div>
      <section className="jp-TosGuard-summary" data-tone={tone}>
        <strong>{label}</strong>
        {details.map(detail => (
          <p key={detail}>{detail}</p>
        ))}
      </section>
      {record && record.messages.value && record.messages.value.length > 0 && (
        <Messages
          guard={guard}
          messages={record.messages.value}
          onChange={onChange}
        />
      )}
      {status.current?.standing && (
        <Standing
          standing={status.current.standing}
          status={status.current}
          trans={trans}
        />
      )}
      {record && (
        <>
          <Strikes guard={guard} part={record.strikes} onChange={onChange} />
          <Appeals guard={guard} part={record.appeals} onChange={onChange} />
          <Terms guard={guard} part={record.terms} onChange={onChange} />
        </>
      )}
    </>
  );
}

function Standing(props: {
  standing: IStanding;
  status: IStatus;
  trans: TranslationBundle;
}): JSX.Element {
  const { standing, trans } = props;
  return (
    <Section title={trans.__('Your standing')}>
      <p>
        <span className="jp-TosGuard-badge" data-level={standing.level}>
          {levelName(standing.level, trans)}
        </span>{' '}
        {meaning(standing, trans)}
      </p>
      {standing.live > 0 && (
        <p>
          {trans._n('%1 strike counts.', '%1 strikes count.', standing.live)}{' '}
          {standing.until !== null &&
            trans.__(
              'Without another, none does after %1.',
              day(standing.until)
            )}
        </p>
      )}
      {standing.nextLevel && standing.live > 0 && (
        <p>
          {trans._n(
            '%1 more may lead to: %2.',
            '%1 more may lead to: %2.',
            standing.strikesLeft,
            levelName(standing.nextLevel, trans)
          )}
        </p>
      )}
    </Section>
  );
}

function meaning(standing: IStanding, trans: TranslationBundle): string {
  switch (standing.level) {
    case 'good':
      return trans.__('Nothing is held against you.');
    case 'warned':
      return trans.__('This is a warning: nothing is restricted.');
    case 'restricted':
      return trans.__('Your use of this hub may be restricted.');
    case 'suspended':
      return trans.__('Your access to this hub may be suspended.');
  }
}

function Strikes(props: {
  guard: Guard;
  part: IPart<IStrike[]>;
  onChange: () => void;
}): JSX.Element {
  const { guard, part: strikes, onChange } = props;
  const { trans } = guard;
  const mayAppeal = guard.status.current?.central.configured === true;
  const appeal = async (strike: IStrike): Promise<void> => {
    const about = [
      `${clauseOf(strike, trans)}: ${strike.title}`,
      strike.evidence
    ].join('\n');
    if (await askForAppeal(guard, strike.act, about)) {
      onChange();
    }
  };
  return (
    <Section title={trans.__('Your strikes')} problem={strikes.problem}>
      {strikes.value?.length === 0 && <p>{trans.__('None.')}</p>}
      <ul>
        {strikes.value?.map(strike => (
          <li key={strike.id || strike.act}>
            <p>
              <strong>{clauseOf(strike, trans)}</strong>
              {strike.title && <> — {strike.title}</>}
            </p>
            <p className="jp-TosGuard-small">
              {[
                strike.time !== null ? day(strike.time) : '',
                actionName(strike.action, trans),
                strike.line ? trans.__('line %1', strike.line) : '',
                stateName(strike.state, trans),
                strike.counts ? '' : trans.__('does not count')
              ]
                .filter(text => text)
                .join(' · ')}
            </p>
            {strike.evidence && (
              <pre dir="ltr">
                <code>{strike.evidence}</code>
              </pre>
            )}
            {strike.reason && <p>{strike.reason}</p>}
            {mayAppeal && !strike.appeal && strike.act && (
              <button
                type="button"
                className="jp-TosGuard-button"
                onClick={() => void appeal(strike)}
              >
                {trans.__('This is a mistake')}
              </button>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Appeals(props: {
  guard: Guard;
  part: IPart<IAppeal[]>;
  onChange: () => void;
}): JSX.Element {
  const { guard, part: appeals, onChange } = props;
  const { trans } = guard;
  const [run, problem] = useAction(guard, onChange);
  return (
    <Section
      title={trans.__('Your appeals')}
      problem={appeals.problem || problem}
    >
      {appeals.value?.length === 0 && <p>{trans.__('None.')}</p>}
      <ul>
        {appeals.value?.map(appeal => (
          <li key={appeal.id}>
            <p>
              <strong>{stateName(appeal.state, trans)}</strong>
              {isOpen(appeal) && appeal.due !== null && (
                <> · {trans.__('an answer is due by %1', day(appeal.due))}</>
              )}
            </p>
            {appeal.text && <p>{appeal.text}</p>}
            {appeal.answer && (
              <p>
                <strong>{trans.__('Answer:')}</strong> {appeal.answer}
              </p>
            )}
            {isOpen(appeal) && (
              <button
                type="button"
                className="jp-TosGuard-button"
                onClick={() => run(guard.rest.withdraw(appeal.id))}
              >
                {trans.__('Withdraw')}
              </button>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Terms(props: {
  guard: Guard;
  part: IPart<ITerms>;
  onChange: () => void;
}): JSX.Element {
  const { guard, part: terms, onChange } = props;
  const { trans } = guard;
  const [run, problem] = useAction(guard, onChange);
  const value = terms.value;
  const isRequired = guard.status.current?.terms.required === true;
  const isAccepted = value !== null && value.accepted === value.version;
  return (
    <Section title={trans.__('The terms')} problem={terms.problem || problem}>
      {value && (
        <>
          <p>
            {value.url ? (
              <a href={value.url} target="_blank" rel="noopener noreferrer">
                {value.title || value.url}
              </a>
            ) : (
              value.title
            )}
            {value.version && <> · {trans.__('version %1', value.version)}</>}
          </p>
          {value.changes.length > 0 && !isAccepted && (
            <details>
              <summary>{trans.__('What has changed')}</summary>
              {value.changes.map((change, index) => (
                <p key={index}>
                  <strong>{change.clause}</strong>{' '}
                  {change.was && <del>{change.was}</del>}{' '}
                  {change.is && <ins>{change.is}</ins>}
                </p>
              ))}
            </details>
          )}
          {value.clauses.map(clause => (
            <details key={clause.id}>
              <summary>
                {clause.number} {clause.title}
              </summary>
              <p>{clause.text}</p>
            </details>
          ))}
          {isAccepted && <p>{trans.__('You have accepted this version.')}</p>}
          {isRequired && !isAccepted && (
            <button
              type="button"
              className="jp-TosGuard-button jp-mod-main"
              onClick={() => run(guard.rest.accept(value.version))}
            >
              {trans.__('I have read and accept version %1', value.version)}
            </button>
          )}
          {value.contact && <p>{trans.__('Questions: %1', value.contact)}</p>}
        </>
      )}
    </Section>
  );
}

function Messages(props: {
  guard: Guard;
  messages: IMessage[];
  onChange: () => void;
}): JSX.Element {
  const { guard, messages, onChange } = props;
  const { trans } = guard;
  const [run, problem] = useAction(guard, onChange);
  return (
    <Section title={trans.__('Messages')} problem={problem}>
      <ul>
        {messages.map(message => (
          <li key={message.id}>
            <p>{message.text}</p>
            {message.time !== null && (
              <p className="jp-TosGuard-small">{day(message.time)}</p>
            )}
            <button
              type="button"
              className="jp-TosGuard-button"
              onClick={() => run(guard.rest.read(message.id))}
            >
              {trans.__('I have read it')}
            </button>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Section(props: {
  title: string;
  problem?: string;
  children?: React.ReactNode;
}): JSX.Element {
  return (
    <section>
      <h3>{props.title}</h3>
      {props.problem && (
        <p className="jp-TosGuard-problem" role="status">
          {props.problem}
        </p>
      )}
      {props.children}
    </section>
  );
}

/** Something to do, after which everything is asked for again; and what went wrong. */
function useAction(
  guard: Guard,
  onDone: () => void
): [(action: Promise<void>) => void, string] {
  const [problem, setProblem] = React.useState('');
  const run = (action: Promise<void>): void => {
    action.then(
      () => {
        setProblem('');
        announce(guard.trans.__('Done.'), 'polite');
        onDone();
      },
      error => setProblem((error as Error).message)
    );
  };
  return [run, problem];
}

function clauseOf(strike: IStrike, trans: TranslationBundle): string {
  return trans.__('Clause %1', strike.clause || strike.rule);
}

function isOpen(appeal: IAppeal): boolean {
  return appeal.state === 'open';
}

function actionName(action: string, trans: TranslationBundle): string {
  switch (action) {
    case 'observe':
      return trans.__('observed');
    case 'warn':
      return trans.__('warned, not run');
    case 'acknowledge':
      return trans.__('run after a warning');
    case 'block':
      return trans.__('not run');
    default:
      return action;
  }
}

function stateName(state: string, trans: TranslationBundle): string {
  switch (state) {
    case 'open':
      return trans.__('open');
    case 'upheld':
      return trans.__('upheld');
    case 'overturned':
      return trans.__('overturned');
    case 'withdrawn':
      return trans.__('withdrawn');
    default:
      return state;
  }
}

function day(seconds: number): string {
  return new Date(seconds * 1000).toLocaleDateString();
}
