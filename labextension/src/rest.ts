/**
 * The server's part, as the front end sees it.
 *
 * What the server cannot do here and now (not installed, no central server, switched off by the
 * operator) is a {@link Refusal} with a reason for people, never an unhandled error.
 */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { NAMESPACE } from './names';
import { INotice, readNotice } from './notice/notice';
import { readable, webAddress } from './text';

export type Level = 'good' | 'warned' | 'restricted' | 'suspended';

export interface IStanding {
  level: Level;
  live: number;
  until: number | null;
  nextLevel: Level | null;
  strikesLeft: number;
}

export interface IStatus {
  guarded: boolean;
  mode: string;
  policy: { version: string; age: number | null; problem: string };
  standing: IStanding | null;
  paused: string;
  central: { configured: boolean; reachable: boolean };
  kernels: { id: string; name: string; state: string }[];
  check: { cells: boolean; notebooks: boolean };
  terms: { version: string; accepted: string; required: boolean };
}

export interface IStrike {
  id: string;
  act: string;
  time: number | null;
  rule: string;
  title: string;
  clause: string;
  action: string;
  line: number;
  evidence: string;
  state: string;
  reason: string;
  counts: boolean;
  appeal: IAppeal | null;
}

export interface IAppeal {
  id: string;
  strike: string;
  state: string;
  due: number | null;
  text: string;
  answer: string;
}

export interface ITerms {
  title: string;
  version: string;
  url: string;
  contact: string;
  accepted: string;
  clauses: { id: string; number: string; title: string; text: string }[];
  changes: { clause: string; was: string; is: string }[];
}

export interface IMessage {
  id: string;
  time: number | null;
  text: string;
}

export interface ICellText {
  id: string;
  source: string;
}

/** Why the server did not do what it was asked. */
export class Refusal extends Error {
  constructor(
    message: string,
    /** HTTP status; 0 when the server could not be reached. */
    readonly status: number
  ) {
    super(message);
  }
}

const MAX_LIST = 200;

export class Rest {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  async status(): Promise<IStatus> {
    return readStatus(await this._get('status'));
  }

  async strikes(): Promise<IStrike[]> {
    return items(await this._get('strikes'), 'strikes').map(readStrike);
  }

  async terms(): Promise<ITerms> {
    return readTerms(await this._get('terms'));
  }

  async accept(version: string): Promise<void> {
    await this._post('terms/acceptance', { version });
  }

  async appeals(): Promise<IAppeal[]> {
    return items(await this._get('appeals'), 'appeals').map(readAppeal);
  }

  async appeal(strike: string, text: string): Promise<void> {
    await this._post('appeals', { strike, text });
  }

  async withdraw(appeal: string): Promise<void> {
    await this._post(`appeals/${encodeURIComponent(appeal)}/withdraw`, {});
  }

  async messages(): Promise<IMessage[]> {
    return items(await this._get('messages'), 'messages').map(data => ({
      id: identity(data.id),
      time: moment(data.time),
      text: text(data.text)
    }));
  }

  async read(message: string): Promise<void> {
    await this._post(`messages/${encodeURIComponent(message)}/read`, {});
  }

  /**
   * Ask what would happen to cells, in their order. Runs and records nothing.
   *
   * @param occasion - whether they are about to be run, or the notebook was merely opened
   */
  async check(
    cells: ICellText[],
    language: string,
    path: string,
    occasion: 'run' | 'open'
  ): Promise<Map<string, INotice>> {
    const answer = await this._post('check', {
      cells,
      language,
      path,
      occasion
    });
    const found = new Map<string, INotice>();
    for (const result of items(answer, 'results', cells.length)) {
      const notice = readNotice(result.notice);
      if (notice) {
        found.set(identity(result.id), notice);
      }
    }
    return found;
  }

  private _get(path: string): Promise<Data> {
    return this._request(path, { method: 'GET' });
  }

  private _post(path: string, body: object): Promise<Data> {
    return this._request(path, { method: 'POST', body: JSON.stringify(body) });
  }

  private async _request(path: string, init: RequestInit): Promise<Data> {
    const url = URLExt.join(this._settings.baseUrl, NAMESPACE, path);
    let response: Response;
    let answer: unknown;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
      answer = await response.json().catch(() => null);
    } catch (error) {
      throw new Refusal(String(error), 0);
    }
    const data = object(answer);
    if (!response.ok) {
      const said = data.reason || data.message;
      throw new Refusal(
        text(said) || `${response.status} ${response.statusText}`,
        response.status
      );
    }
    return Array.isArray(answer) ? { items: answer } : data;
  }
}

type Data = Record<string, unknown>;

function readStatus(data: Data): IStatus {
  const policy = object(data.policy);
  const central = object(data.central);
  const check = object(data.check);
  const terms = object(data.terms);
  const effects = object(data.effects);
  const age = policy.age_seconds;
  return {
    guarded: data.guarded === true,
    mode: text(data.mode, 20),
    policy: {
      version: text(policy.version, 60),
      age: typeof age === 'number' && age >= 0 ? age : null,
      problem: text(policy.problem, 300)
    },
    standing: readStanding(data.standing),
    paused: effects.paused ? text(effects.reason) || text(effects.paused) : '',
    central: {
      configured: central.configured === true,
      reachable: central.reachable === true
    },
    kernels: items(data, 'kernels').map(kernel => ({
      id: identity(kernel.id),
      name: text(kernel.name, 80),
      state: text(kernel.state, 40)
    })),
    check: { cells: check.cells === true, notebooks: check.notebooks === true },
    terms: {
      version: text(terms.version, 40),
      accepted: text(terms.accepted, 40),
      required: terms.required === true
    }
  };
}

function readStanding(value: unknown): IStanding | null {
  const data = object(value);
  const level = readLevel(data.level);
  if (!level) {
    return null;
  }
  return {
    level,
    live: count(data.live),
    until: moment(data.until),
    nextLevel: readLevel(data.next_level),
    strikesLeft: count(data.strikes_left)
  };
}

function readLevel(value: unknown): Level | null {
  const levels: Level[] = ['good', 'warned', 'restricted', 'suspended'];
  return levels.find(level => level === value) ?? null;
}

function readStrike(data: Data): IStrike {
  const clause = object(data.clause);
  return {
    id: identity(data.id),
    act: identity(data.act) || identity(data.id),
    time: moment(data.time),
    rule: text(data.rule, 80),
    title: text(data.title, 160),
    clause:
      typeof data.clause === 'string'
        ? text(data.clause, 120)
        : [text(clause.number, 20), text(clause.title, 120) || text(clause.id)]
            .filter(part => part)
            .join(' '),
    action: text(data.action, 20),
    line: count(data.line),
    evidence: text(data.evidence, 300),
    state: text(data.state, 20),
    reason: text(data.reason),
    counts: data.counts !== false,
    appeal: data.appeal ? readAppeal(object(data.appeal)) : null
  };
}

function readAppeal(data: Data): IAppeal {
  const strike = data.strike;
  return {
    id: identity(data.id),
    strike:
      typeof strike === 'object' && strike !== null
        ? identity(object(strike).act)
        : identity(strike),
    state: text(data.state, 20),
    due: moment(data.due),
    text: text(data.text, 4000),
    answer: text(data.answer, 4000)
  };
}

function readTerms(data: Data): ITerms {
  return {
    title: text(data.title, 160),
    version: text(data.version, 40),
    url: webAddress(typeof data.url === 'string' ? data.url : ''),
    contact: text(data.contact, 200),
    accepted: text(data.accepted, 40),
    clauses: items(data, 'clauses').map(clause => ({
      id: text(clause.id, 80),
      number: text(clause.number, 20),
      title: text(clause.title, 160),
      text: text(clause.text, 4000)
    })),
    changes: items(data, 'changes').map(change => ({
      clause: text(change.clause, 160),
      was: text(change.was, 4000),
      is: text(change.is, 4000)
    }))
  };
}

function object(value: unknown): Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Data)
    : {};
}

/** The list of that name, or the answer itself when it is one. */
function items(data: Data, name: string, limit = MAX_LIST): Data[] {
  const list = Array.isArray(data.items) ? data.items : data[name];
  return Array.isArray(list) ? list.slice(0, limit).map(object) : [];
}

function text(value: unknown, limit = 1000): string {
  return typeof value === 'string' ? readable(value, limit) : '';
}

/** Something that is sent back as it came. */
function identity(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number'
    ? String(value).slice(0, 200)
    : '';
}

function count(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.floor(value) : 0;
}

function moment(value: unknown): number | null {
  return typeof value === 'number' && value > 0 ? value : null;
}
