import { nullTranslator } from '@jupyterlab/translation';
import { IStatus, Refusal, Rest } from '../rest';
import { ago, Status, summarize } from '../status';

const trans = nullTranslator.load('');

const WELL: IStatus = {
  guarded: true,
  mode: 'enforce',
  policy: { version: '1', age: 60, problem: '' },
  standing: {
    level: 'good',
    live: 0,
    until: null,
    nextLevel: 'warned',
    strikesLeft: 1
  },
  paused: '',
  central: { configured: true, reachable: true },
  kernels: [],
  check: { cells: true, notebooks: true },
  terms: { version: '1', accepted: '1', required: true }
};

describe('summarize', () => {
  it('says the most urgent first', () => {
    const everything: IStatus = {
      ...WELL,
      paused: 'because',
      guarded: false,
      policy: { version: '1', age: 1, problem: 'stale-policy' },
      kernels: [{ id: '1', name: 'r', state: 'unguarded' }],
      terms: { version: '2', accepted: '1', required: true },
      standing: { ...WELL.standing!, level: 'suspended', live: 5 }
    };
    const order: [Partial<IStatus>, string][] = [
      [{ paused: '' }, 'Access paused'],
      [{ guarded: true }, 'Not guarded'],
      [{ policy: WELL.policy }, 'Policy is stale'],
      [{ kernels: [] }, '1 kernel unguarded'],
      [{ terms: WELL.terms }, 'Terms to accept'],
      [
        { standing: { ...WELL.standing!, level: 'warned', live: 2 } },
        'suspended'
      ],
      [{ standing: WELL.standing }, '2 strikes'],
      [{ mode: 'monitor' }, 'Guard on'],
      [{}, 'Guard: records']
    ];
    let status = everything;
    for (const [mended, label] of order) {
      expect(summarize(status, 'unknown', trans).label).toBe(label);
      status = { ...status, ...mended };
    }
  });

  it.each([
    ['no-server-part', 'Guard: kernels only'],
    ['unreachable', 'Guard'],
    ['unknown', 'Guard']
  ] as const)('has words for %s', (absence, label) => {
    const summary = summarize(null, absence, trans);
    expect(summary.label).toBe(label);
    expect(summary.details).toHaveLength(1);
  });

  it('says that the last answer is not the newest', () => {
    const { details } = summarize(WELL, 'unreachable', trans);
    expect(details[0]).toContain('does not answer');
  });

  it('does not ask for terms that need no acceptance', () => {
    const terms = { version: '2', accepted: '', required: false };
    expect(summarize({ ...WELL, terms }, 'unknown', trans).label).toBe(
      'Guard on'
    );
  });
});

describe('ago', () => {
  it.each([
    [5, 'just now'],
    [60, '1 minute ago'],
    [7200, '2 hours ago'],
    [3 * 86400, '3 days ago']
  ])('%d seconds', (seconds, text) => {
    expect(ago(seconds, trans)).toBe(text);
  });
});

describe('Status', () => {
  function asking(answers: (IStatus | Error)[]): Status {
    const rest = {
      status: async () => {
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        if (answer instanceof Error) {
          throw answer;
        }
        return answer;
      }
    };
    return new Status(rest as unknown as Rest);
  }

  it('tells the first answer', async () => {
    const status = asking([WELL]);
    status.start();
    expect(await status.first).toEqual(WELL);
    expect(status.current).toEqual(WELL);
  });

  it('knows a server without our part from one that does not answer', async () => {
    const status = asking([new Refusal('', 404)]);
    status.start();
    expect(await status.first).toBeNull();
    expect(status.absence).toBe('no-server-part');
  });

  it('keeps the last answer when the server is away', async () => {
    const status = asking([WELL, new Refusal('', 0)]);
    status.start();
    await status.first;
    const changed = new Promise<void>(resolve =>
      status.changed.connect(() => resolve())
    );
    status.refresh();
    await changed;
    expect(status.absence).toBe('unreachable');
    expect(status.current).toEqual(WELL);
  });
});
