/**
 * Makes text of unknown origin fit to be shown.
 *
 * Whoever wrote a notebook file wrote the notices in it. React and `textContent` keep it from
 * being markup; this keeps it from hiding or reordering what stands beside it.
 */

/** Control, format (bidirectional, zero-width, tags), private and unassigned characters. */
const UNREADABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Return one line of print of at most `limit` characters.
 */
export function readable(text: string, limit = 1000): string {
  const points = Array.from(text.slice(0, limit * 2 + 2));
  const cut = points.length > limit || text.length > limit * 2 + 2;
  const shown = points
    .slice(0, limit)
    .join('')
    .replace(UNREADABLE, character => escaped(character));
  return cut ? `${shown}…` : shown;
}

function escaped(character: string): string {
  if (character === '\n') {
    return '⏎';
  }
  if (character === '\t') {
    return ' ';
  }
  const code = character.codePointAt(0) as number;
  if (code < 0x100) {
    return `\\x${code.toString(16).padStart(2, '0')}`;
  }
  return code < 0x10000
    ? `\\u${code.toString(16).padStart(4, '0')}`
    : `\\U${code.toString(16).padStart(8, '0')}`;
}

/**
 * Return the address if it is one of a web page, else an empty text.
 */
export function webAddress(text: string): string {
  if (!/^https?:\/\//i.test(text)) {
    return '';
  }
  try {
    const { protocol, href } = new URL(text);
    return protocol === 'https:' || protocol === 'http:' ? href : '';
  } catch {
    return '';
  }
}
