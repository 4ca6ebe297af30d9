/**
 * Where in a text a finding is.
 *
 * Findings count columns in Unicode code points, as Python does; an editor counts UTF-16 units.
 */

import { readable } from '../text';
import type { IFinding } from './notice';

/** A range of a text, in UTF-16 units. */
export interface IRange {
  from: number;
  to: number;
}

/**
 * Return the place of a finding in the text that it was found in.
 *
 * Null when it is about another text (a file, an expression), or when the text there is not
 * what was found: the cell has changed since.
 */
export function rangeIn(source: string, finding: IFinding): IRange | null {
  if (finding.where) {
    return null;
  }
  const lines = source.split('\n');
  const from = offset(lines, finding.line, finding.column);
  const end = offset(lines, finding.endLine, finding.endColumn);
  if (from === null || end === null || end < from) {
    return null;
  }
  // What is found about a line as a whole has no end of its own.
  const to = end > from ? end : endOfLine(lines, finding.line);
  return reads(source.slice(from, to), finding.fragment) ? { from, to } : null;
}

function endOfLine(lines: string[], line: number): number {
  return lines.slice(0, line).join('\n').length;
}

/** Return the offset of a place, null when the text has no such line. */
function offset(lines: string[], line: number, column: number): number | null {
  if (line > lines.length) {
    return null;
  }
  const start = line > 1 ? endOfLine(lines, line - 1) + 1 : 0;
  return start + unit(lines[line - 1], column);
}

/** Convert a column in code points to one in UTF-16 units. */
export function unit(line: string, column: number): number {
  let units = 0;
  let points = 0;
  for (const character of line) {
    if (points === column) {
      break;
    }
    units += character.length;
    points += 1;
  }
  return units;
}

/** Whether a text is what a notice quotes, which may be cut and has escapes. */
function reads(text: string, fragment: string): boolean {
  const quoted = fragment.endsWith('…') ? fragment.slice(0, -1) : fragment;
  // Escapes are compared up to the first: which characters are escaped is the server's matter.
  const known = quoted.split('\\', 1)[0].trim();
  return readable(text, text.length).trim().startsWith(known);
}
