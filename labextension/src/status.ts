/**
 * What is known about the guard, kept up to date, and how it is said in a few words.
 */

import { TranslationBundle } from '@jupyterlab/translation';
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';
import { IStatus, Refusal, Rest } from './rest';

const EVERY = 60_000;
const AT_MOST = 10 * 60_000;
const NOT_FOUND = 404;

/** What can be said before and instead of a status. */
export type Absence = 'unknown' | 'no-server-part' | 'unreachable';

export class Status {
  constructor(private readonly _rest: Rest) {
    this._poll = new Poll({
      factory: () => this._ask(),
      frequency: { interval: EVERY, backoff: true, max: AT_MOST },
      name: 'jupyter-tos-guard:status',
      standby: 'when-hidden',
      auto: false
    });
  }

  /** Emitted when something that is shown has changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The last answer; null while there is none. */
  get current(): IStatus | null {
    return this._current;
  }

  get absence(): Absence {
    return this._absence;
  }

  /** Resolves with the first answer, or with null when the server has no part of ours. */
  get first(): Promise<IStatus | null> {
    return this._first;
  }

  start(): void {
    void this._poll.start();
  }

  refresh(): void {
    void this._poll.refresh();
  }

  private async _ask(): Promise<void> {
    try {
      this._set(await this._rest.status(), 'unknown');
    } catch (error) {
      const missing = error instanceof Refusal && error.status === NOT_FOUND;
      this._set(
        missing ? null : this._current,
        missing ? 'no-server-part' : 'unreachable'
      );
      if (!missing) {
        throw error; // the poll waits longer each time
      }
    }
  }

  private _set(current: IStatus | null, absence: Absence): void {
    const before = JSON.stringify([this._current, this._absence]);
    this._current = current;
    this._absence = absence;
    if (absence !== 'unreachable') {
      this._answered(current);
    }
    if (JSON.stringify([current, absence]) !== before) {
      this._changed.emit();
    }
  }

  private _current: IStatus | null = null;
  private _absence: Absence = 'unknown';
  private readonly _poll: Poll;
  private readonly _changed = new Signal<this, void>(this);
  private _answered: (status: IStatus | null) => void = () => undefined;
  private readonly _first = new Promise<IStatus | null>(resolve => {
    this._answered = resolve;
  });
}

export interface ISummary {
  /** Two or three words. */
  label: string;
  /** Everything else, a line each. */
  details: string[];
  tone: 'quiet' | 'good' | 'warning' | 'error';
}

/**
 * Say how things are: the most urgent first.
 */
export function summarize(
  status: IStatus | null,
  absence: Absence,
  trans: TranslationBundle
): ISummary {
  if (!status) {
    return withoutStatus(absence, trans);
  }
  const details = detailsOf(status, trans);
  if (absence === 'unreachable') {
    details.unshift(trans.__('The Jupyter server does not answer.'));
  }
  const said = (label: string, tone: ISummary['tone']): ISummary => ({
    label,
    details,
    tone
  });
  const unguarded = status.kernels.filter(isUnguarded).length;
  const level = status.standing?.level ?? 'good';
  if (status.paused) {
    return said(trans.__('Access paused'), 'error');
  }
  if (!status.guarded) {
    return said(trans.__('Not guarded'), 'warning');
  }
  if (status.policy.problem) {
    return said(problemLabel(status.policy.problem, trans), 'warning');
  }
  if (unguarded) {
    return said(
      trans._n('%1 kernel unguarded', '%1 kernels unguarded', unguarded),
      'warning'
    );
  }
  if (mustAccept(status)) {
    return said(trans.__('Terms to accept'), 'warning');
  }
  if (level === 'suspended' || level === 'restricted') {
    return said(levelName(level, trans), 'error');
  }
  if (level === 'warned') {
    const live = status.standing?.live ?? 0;
    return said(trans._n('%1 strike', '%1 strikes', live), 'warning');
  }
  return said(
    status.mode === 'monitor'
      ? trans.__('Guard: records')
      : trans.__('Guard on'),
    'good'
  );
}

function withoutStatus(absence: Absence, trans: TranslationBundle): ISummary {
  const label = trans.__('Guard');
  switch (absence) {
    case 'no-server-part':
      return {
        label: trans.__('Guard: kernels only'),
        details: [
          trans.__(
            'The part of the guard in the Jupyter server is not there. Kernels that have the guard decide by themselves; %tos status in a notebook says more.'
          )
        ],
        tone: 'quiet'
      };
    case 'unreachable':
      return {
        label,
        details: [trans.__('The Jupyter server does not answer.')],
        tone: 'warning'
      };
    case 'unknown':
      return {
        label,
        details: [trans.__('Asking the server…')],
        tone: 'quiet'
      };
  }
}

function detailsOf(status: IStatus, trans: TranslationBundle): string[] {
  const details = [];
  if (status.paused) {
    details.push(status.paused);
  }
  details.push(
    status.mode === 'monitor'
      ? trans.__(
          'Mode: monitor. Cells run; what the terms rule out is recorded.'
        )
      : trans.__('Mode: enforce. What the terms rule out is not run.')
  );
  const { version, age, problem } = status.policy;
  if (version) {
    details.push(
      age === null
        ? trans.__('Policy %1', version)
        : trans.__('Policy %1, checked %2', version, ago(age, trans))
    );
  }
  if (problem) {
    details.push(problem);
  }
  if (status.standing) {
    details.push(
      trans.__('Standing: %1', levelName(status.standing.level, trans))
    );
  }
  if (status.central.configured && !status.central.reachable) {
    details.push(trans.__('The central server cannot be reached.'));
  }
  for (const kernel of status.kernels.filter(isUnguarded)) {
    details.push(trans.__('Kernel %1: %2', kernel.name, kernel.state));
  }
  return details;
}

function isUnguarded(kernel: { state: string }): boolean {
  return kernel.state === 'unguarded' || kernel.state === 'failing';
}

function problemLabel(problem: string, trans: TranslationBundle): string {
  if (problem.includes('stale')) {
    return trans.__('Policy is stale');
  }
  if (problem.includes('expired')) {
    return trans.__('Policy has expired');
  }
  return problem.includes('no-policy')
    ? trans.__('No policy')
    : trans.__('Policy problem');
}

export function mustAccept(status: IStatus): boolean {
  const { required, accepted, version } = status.terms;
  return required && accepted !== version;
}

export function levelName(level: string, trans: TranslationBundle): string {
  switch (level) {
    case 'good':
      return trans.__('good');
    case 'warned':
      return trans.__('warned');
    case 'restricted':
      return trans.__('restricted');
    case 'suspended':
      return trans.__('suspended');
    default:
      return level;
  }
}

/** How long ago, in the largest unit that fits. */
export function ago(seconds: number, trans: TranslationBundle): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days) {
    return trans._n('%1 day ago', '%1 days ago', days);
  }
  if (hours) {
    return trans._n('%1 hour ago', '%1 hours ago', hours);
  }
  return minutes
    ? trans._n('%1 minute ago', '%1 minutes ago', minutes)
    : trans.__('just now');
}
