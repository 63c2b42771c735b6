import { describe, expect, it } from 'vitest';
import { declaredTypeName, isTypeProblem, parseDeclaredType } from './declared-type.js';

const named = (written: string): string => {
  const parsed = parseDeclaredType(written);
  return isTypeProblem(parsed) ? `${parsed.problem}; ${parsed.hint}` : declaredTypeName(parsed);
};

describe('a declared type', () => {
  it.each([
    ['numeric', 'NUMERIC'],
    ['numeric(10)', 'NUMERIC(10,0)'],
    ['decimal ( 10 , 2 )', 'NUMERIC(10,2)'],
    ['dec(3,-2)[]', 'NUMERIC(3,-2)[]'],
    ['varchar(10)', 'VARCHAR(10)'],
    ['character varying (10) array', 'VARCHAR(10)[]'],
    ['timestamp(3) without time zone', 'TIMESTAMP(3)'],
    ['timestamptz(0)', 'TIMESTAMP(0)'],
    ['float(24)', 'REAL'],
    ['float(25)[]', 'DOUBLE PRECISION[]'],
    ['int4', 'INTEGER'],
    ['float8', 'DOUBLE PRECISION'],
  ])('%s is %s', (written, name) => {
    expect(named(written)).toBe(name);
    expect(named(name)).toBe(name);
  });

  it.each([
    ['numeric(0)', 'between 1 and 1000; write NUMERIC(10,2)'],
    ['numeric(1,2,3)', 'two numbers at most in brackets; write NUMERIC(1,2)'],
    ['varchar(0)', 'between 1 and 10485760'],
    ['varchar(1,2)', 'one number in brackets; write VARCHAR(1)'],
    ['timestamp(7)', 'between 0 and 6'],
    ['float(54)', 'between 1 and 53'],
    ['bigint(20)', 'takes no numbers in brackets; write BIGINT'],
    ['char(3)', 'write VARCHAR(n)'],
    ['character[]', 'write VARCHAR(n)'],
    ['uuid', 'write TEXT'],
    ['money', 'write NUMERIC(12,2)'],
    ['constructor', 'types are TEXT'],
    ['__proto__(1)', 'types are TEXT'],
    ['bigintt', 'did you mean BIGINT?'],
    ['', 'types are TEXT'],
  ])('%s is none, and one is told what to write', (written, told) => {
    expect(named(written)).toContain(told);
  });
});
