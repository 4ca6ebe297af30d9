/**
 * A notice as data, and the one way to get it from data of unknown origin.
 *
 * The schema is in docs/kernel.md. A notebook file can hold anything under our MIME type, so
 * every value is checked, bounded and made readable here, and nowhere else.
 */

import { readable, webAddress } from '../text';

export interface INotice {
  effect: 'block' | 'warn';
  headline: string;
  sentence: string;
  next: string;
  findings: IFinding[];
  /** Number of findings beyond those. */
  more: number;
  /** Why the cell could not be checked. */
  failure: string;
  policyVersion: string;
  /** What a request must carry for the cell to run anyway; empty when it cannot. */
  acknowledge: string;
  terms: { title: string; version: string; url: string; contact: string };
}

export interface IFinding {
  rule: string;
  title: string;
  message: string;
  verdict: string;
  clause: { id: string; number: string; title: string };
  /** Which text it is about; empty: the cell. */
  where: string;
  /** From 1. */
  line: number;
  /** From 0, in Unicode code points. */
  column: number;
  endLine: number;
  endColumn: number;
  fragment: string;
  decoded: string;
  provenance: string[];
  /** Number of the strike, for an appeal. */
  strike: string;
}

const MAX_FINDINGS = 10;
const MAX_STEPS = 12;
const MAX_NUMBER = 1e7;
const DIGEST = /^[0-9a-f]{64}$/;

type Data = Record<string, unknown>;

/**
 * Read a notice; null when the data is none.
 */
export function readNotice(value: unknown): INotice | null {
  const data = object(value);
  if (!data || (data.effect !== 'block' && data.effect !== 'warn')) {
    return null;
  }
  if (typeof data.headline !== 'string' || typeof data.sentence !== 'string') {
    return null;
  }
  const terms = object(data.terms) ?? {};
  const again = text(object(data.run_anyway)?.acknowledge);
  return {
    effect: data.effect,
    headline: text(data.headline, 200),
    sentence: text(data.sentence, 400),
    next: text(data.next),
    findings: list(data.findings, MAX_FINDINGS).flatMap(readFinding),
    more: number(data.more),
    failure: text(data.failure),
    policyVersion: text(data.policy_version, 60),
    acknowledge: data.effect === 'warn' && DIGEST.test(again) ? again : '',
    terms: {
      title: text(terms.title, 120),
      version: text(terms.version, 40),
      url: webAddress(typeof terms.url === 'string' ? terms.url : ''),
      contact: text(terms.contact, 200)
    }
  };
}

function readFinding(value: unknown): IFinding[] {
  const data = object(value);
  if (!data) {
    return [];
  }
  const clause = object(data.clause) ?? {};
  const line = Math.max(1, number(data.line));
  return [
    {
      rule: text(data.rule, 80),
      title: text(data.title, 160),
      message: text(data.message, 400),
      verdict: text(data.verdict, 20),
      clause: {
        id: text(clause.id, 80),
        number: text(clause.number, 20),
        title: text(clause.title, 120)
      },
      where: text(data.where, 160),
      line,
      column: number(data.column),
      endLine: Math.max(line, number(data.end_line)),
      endColumn: number(data.end_column),
      fragment: text(data.fragment, 500),
      decoded: text(data.decoded, 500),
      provenance: list(data.provenance, MAX_STEPS)
        .map(step => text(step, 60))
        .filter(step => step !== ''),
      strike: text(data.strike, 80)
    }
  ];
}

function object(value: unknown): Data | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Data)
    : null;
}

function list(value: unknown, limit: number): unknown[] {
  return Array.isArray(value) ? value.slice(0, limit) : [];
}

function text(value: unknown, limit = 1000): string {
  return typeof value === 'string' ? readable(value, limit) : '';
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0
    ? Math.min(value, MAX_NUMBER)
    : 0;
}
