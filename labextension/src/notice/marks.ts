/**
 * Marks in a cell's editor what a notice is about: the text, and its line at the edge.
 *
 * Loaded with the first notice. The marks go away with the first change of the text.
 */

import {
  StateEffect,
  StateField,
  RangeSet,
  Extension
} from '@codemirror/state';
import {
  Decoration,
  DecorationSet,
  EditorView,
  GutterMarker,
  gutter
} from '@codemirror/view';
import { CodeCell } from '@jupyterlab/cells';
import { CodeMirrorEditor } from '@jupyterlab/codemirror';
import { TranslationBundle } from '@jupyterlab/translation';
import { IFinding } from './notice';
import { rangeIn } from './place';

interface IMark {
  from: number;
  to: number;
  effect: 'block' | 'warn';
  label: string;
}

interface IMarked {
  text: DecorationSet;
  edge: RangeSet<GutterMarker>;
}

const NOTHING: IMarked = { text: Decoration.none, edge: RangeSet.empty };

const replaceMarks = StateEffect.define<IMark[]>();

const marked = StateField.define<IMarked>({
  create: () => NOTHING,
  update(value, transaction) {
    let current = transaction.docChanged ? NOTHING : value;
    for (const effect of transaction.effects) {
      if (effect.is(replaceMarks)) {
        current = marksAt(
          effect.value,
          position => transaction.state.doc.lineAt(position).from
        );
      }
    }
    return current;
  },
  provide: field => EditorView.decorations.from(field, value => value.text)
});

class EdgeMarker extends GutterMarker {
  constructor(private readonly _mark: IMark) {
    super();
  }

  eq(other: EdgeMarker): boolean {
    return (
      other._mark.label === this._mark.label &&
      other._mark.effect === this._mark.effect
    );
  }

  toDOM(): Node {
    const node = document.createElement('span');
    node.className = 'jp-TosGuard-edge';
    node.dataset.effect = this._mark.effect;
    node.title = this._mark.label;
    node.setAttribute('role', 'img');
    node.setAttribute('aria-label', this._mark.label);
    return node;
  }
}

const extension: Extension = [
  marked,
  gutter({
    class: 'jp-TosGuard-gutter',
    markers: view => view.state.field(marked).edge
  })
];

const prepared = new WeakSet<EditorView>();
/** What each cell's marks were made for. */
const owners = new WeakMap<CodeCell, IFinding[]>();

/**
 * Mark findings in a cell, instead of what was marked before.
 */
export async function mark(
  cell: CodeCell,
  findings: IFinding[],
  trans: TranslationBundle
): Promise<void> {
  owners.set(cell, findings);
  await cell.ready;
  const view = viewOf(cell);
  if (!view || owners.get(cell) !== findings) {
    return;
  }
  const source = view.state.doc.toString();
  const marks = findings.flatMap(finding => {
    const range = rangeIn(source, finding);
    return range ? [{ ...range, ...labelled(finding, trans) }] : [];
  });
  if (!marks.length && !prepared.has(view)) {
    return;
  }
  if (!prepared.has(view)) {
    prepared.add(view);
    (cell.editor as CodeMirrorEditor).injectExtension(extension);
  }
  view.dispatch({ effects: replaceMarks.of(marks) });
}

/**
 * Remove the marks that were made for these very findings; others stay.
 */
export function unmark(cell: CodeCell, findings: IFinding[]): void {
  if (owners.get(cell) !== findings) {
    return;
  }
  owners.delete(cell);
  const view = viewOf(cell);
  if (view && prepared.has(view)) {
    view.dispatch({ effects: replaceMarks.of([]) });
  }
}

function viewOf(cell: CodeCell): EditorView | null {
  return !cell.isDisposed && cell.editor instanceof CodeMirrorEditor
    ? cell.editor.editor
    : null;
}

function labelled(
  finding: IFinding,
  trans: TranslationBundle
): Pick<IMark, 'effect' | 'label'> {
  const { number, title } = finding.clause;
  return {
    effect: finding.verdict === 'warn' ? 'warn' : 'block',
    label: trans.__(
      'Terms of use, %1: %2',
      `${number} ${title}`.trim(),
      finding.message
    )
  };
}

function marksAt(
  marks: IMark[],
  startOfLine: (position: number) => number
): IMarked {
  const ordered = [...marks].sort((a, b) => a.from - b.from || a.to - b.to);
  const text = ordered
    .filter(each => each.to > each.from)
    .map(each =>
      Decoration.mark({
        class: `jp-TosGuard-mark jp-mod-${each.effect}`,
        attributes: { title: each.label }
      }).range(each.from, each.to)
    );
  const edges = new Map<number, IMark>();
  for (const each of ordered) {
    const line = startOfLine(each.from);
    if (!edges.has(line) || each.effect === 'block') {
      edges.set(line, each);
    }
  }
  const edge = [...edges].map(([line, each]) =>
    new EdgeMarker(each).range(line)
  );
  return { text: Decoration.set(text), edge: RangeSet.of(edge, true) };
}
