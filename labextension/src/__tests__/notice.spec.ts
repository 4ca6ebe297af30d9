import { readNotice } from '../notice/notice';

const GOOD = {
  effect: 'warn',
  headline: 'This cell was not run yet.',
  sentence: 'You may be executing code that is disallowed.',
  next: 'nothing.',
  findings: [
    {
      rule: 'r',
      title: 't',
      message: 'm',
      level: 'high',
      verdict: 'warn',
      clause: { id: 'c', number: '3.1', title: 'Clause' },
      where: '',
      line: 2,
      column: 4,
      end_line: 2,
      end_column: 9,
      fragment: 'f',
      decoded: '',
      provenance: ['base64'],
      strike: 's'
    }
  ],
  more: 1,
  failure: '',
  cell_digest: 'a'.repeat(64),
  policy_version: '1',
  run_anyway: { magic: '%tos run', acknowledge: 'a'.repeat(64) },
  terms: {
    title: 'Terms',
    version: '7',
    url: 'https://hub.example.org/terms',
    contact: 'x@example.org'
  }
};

describe('readNotice', () => {
  it('reads a notice', () => {
    const notice = readNotice(GOOD);
    expect(notice?.findings[0]).toMatchObject({
      line: 2,
      column: 4,
      endColumn: 9,
      strike: 's'
    });
    expect(notice?.acknowledge).toBe('a'.repeat(64));
    expect(notice?.terms.url).toBe('https://hub.example.org/terms');
  });

  it.each([null, undefined, 1, 'text', [], {}, { effect: 'allow' }])(
    'takes %j for none',
    value => {
      expect(readNotice(value)).toBeNull();
    }
  );

  it.each([
    { ...GOOD, effect: 'run' },
    { ...GOOD, headline: 5 },
    { ...GOOD, sentence: {} }
  ])('takes what has no headline, sentence or known effect for none', value => {
    expect(readNotice(value)).toBeNull();
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    '//host',
    'file:///etc/passwd',
    ' https://x',
    'https:',
    7
  ])('does not link to %j', url => {
    const terms = { ...GOOD.terms, url };
    expect(readNotice({ ...GOOD, terms })?.terms.url).toBe('');
  });

  it.each(['', 'x'.repeat(64), 'A'.repeat(64), 'a'.repeat(65), null, 3])(
    'does not send %j as a digest',
    acknowledge => {
      const notice = readNotice({ ...GOOD, run_anyway: { acknowledge } });
      expect(notice?.acknowledge).toBe('');
    }
  );

  it('lets no blocked cell be run', () => {
    expect(readNotice({ ...GOOD, effect: 'block' })?.acknowledge).toBe('');
  });

  it('bounds everything', () => {
    const long = 'x'.repeat(1e5);
    const finding = { ...GOOD.findings[0], fragment: long, message: long };
    const notice = readNotice({
      ...GOOD,
      next: long,
      findings: Array(1000).fill(finding)
    });
    expect(JSON.stringify(notice).length).toBeLessThan(20_000);
  });

  it('writes out what hides or reorders', () => {
    const notice = readNotice({
      ...GOOD,
      headline: 'a\u202eb\u200bc\x1b[2J\n'
    });
    expect(notice?.headline).toBe('a\\u202eb\\u200bc\\x1b[2J⏎');
  });

  it.each([-1, 1.5, NaN, Infinity, '3', null])(
    'takes %p for no column',
    column => {
      const findings = [{ ...GOOD.findings[0], column }];
      expect(readNotice({ ...GOOD, findings })?.findings[0].column).toBe(0);
    }
  );
});
