import type { CodeCell } from '@jupyterlab/cells';
import { warned } from '../foreseen';
import { INotice, readNotice } from '../notice/notice';

const cells = ['a', 'b', 'c'].map(
  id => ({ model: { id } }) as unknown as CodeCell
);

function notice(effect: string): INotice {
  return readNotice({
    effect,
    headline: '',
    sentence: '',
    run_anyway: { acknowledge: 'a'.repeat(64) }
  }) as INotice;
}

function ids(notices: [string, string][]): string[] {
  const found = new Map(notices.map(([id, effect]) => [id, notice(effect)]));
  return warned(cells, found).map(each => each.cell.model.id);
}

describe('warned', () => {
  it('is every cell that would wait', () => {
    expect(
      ids([
        ['a', 'warn'],
        ['c', 'warn']
      ])
    ).toEqual(['a', 'c']);
  });

  it('ends where the run would end', () => {
    expect(
      ids([
        ['a', 'warn'],
        ['b', 'block'],
        ['c', 'warn']
      ])
    ).toEqual(['a']);
  });

  it('is none where nothing is found', () => {
    expect(ids([])).toEqual([]);
  });
});
