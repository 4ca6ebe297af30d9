import { IFinding } from '../notice/notice';
import { rangeIn, unit } from '../notice/place';

function finding(change: Partial<IFinding>): IFinding {
  return {
    rule: '',
    title: '',
    message: '',
    verdict: 'block',
    clause: { id: '', number: '', title: '' },
    where: '',
    line: 1,
    column: 0,
    endLine: 1,
    endColumn: 0,
    fragment: '',
    decoded: '',
    provenance: [],
    strike: '',
    ...change
  };
}

function marked(source: string, change: Partial<IFinding>): string | null {
  const range = rangeIn(source, finding(change));
  return range && source.slice(range.from, range.to);
}

describe('unit', () => {
  it.each([
    ['abc', 2, 2],
    ['😀b', 1, 2],
    ['é😀x', 2, 3],
    ['ab', 9, 2]
  ])('in %j, code point %d is unit %d', (line, column, expected) => {
    expect(unit(line, column)).toBe(expected);
  });
});

describe('rangeIn', () => {
  it('counts columns in code points', () => {
    expect(
      marked("x = '😀'; import bad", {
        column: 9,
        endColumn: 19,
        fragment: 'import bad'
      })
    ).toBe('import bad');
  });

  it('finds a line further down', () => {
    expect(
      marked('a\n😀\nimport bad', {
        line: 3,
        endLine: 3,
        endColumn: 10,
        fragment: 'import bad'
      })
    ).toBe('import bad');
  });

  it('goes over several lines, of which the first is quoted', () => {
    expect(
      marked('f(\n 1)', { endLine: 2, endColumn: 3, fragment: 'f(…' })
    ).toBe('f(\n 1)');
  });

  it('takes the line where there is no end', () => {
    expect(
      marked('  wget x\n', { column: 2, endColumn: 2, fragment: 'wget x' })
    ).toBe('  wget x'.slice(2));
  });

  it('compares up to the first escape', () => {
    const source = 'run("a\u202eb")';
    expect(
      marked(source, { endColumn: 10, fragment: 'run("a\\u202eb")' })
    ).toBe(source.slice(0, 10));
  });

  it.each([
    ['another text', { endColumn: 5, fragment: 'import' }],
    ['import', { line: 2, endLine: 2, endColumn: 6, fragment: 'import' }],
    ['import', { where: 'file x.py', endColumn: 6, fragment: 'import' }],
    ['import', { column: 6, endColumn: 2, fragment: 'import' }]
  ])('finds nothing in %j for %j', (source, change) => {
    expect(marked(source, change)).toBeNull();
  });
});
