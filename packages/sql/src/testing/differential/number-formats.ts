import type { Pick } from './rule.js';

/** A call of to_char with a number, for this dialect and for PostgreSQL; they differ where the number is one of JSON. */
export interface NumberFormat {
  readonly own: string;
  readonly theirs: string;
}

const digits = ['9', '9', '9', '9', '0', '0'];
const beside = [',', 'G', 'L', ' ', '"x"', '"9\\"a"', 'th', 'TH', 'FM', 'fm', '\\"', 'é', '-', '/'];
const signs = ['S', 'MI', 'PL', 'SG', 'PR', 's', 'mi', 'pl', 'sg', 'pr'];

/** A template: most of them are sound, some are not. */
function numberTemplate(pick: Pick): string {
  const some = (from: readonly string[], most: number) =>
    Array.from({ length: pick(most + 1) }, () => from[pick(from.length)]).join('');
  const now = (text: string, one: number) => (pick(one) === 0 ? text : '');
  if (pick(12) === 0) return `${now('FM', 2)}${now('"no. "', 4)}${now('9', 4)}${pick(2) ? 'RN' : 'rn'}${now(' a', 4)}`;
  if (pick(10) === 0)
    return `${some(digits, 3)}${now('.', 2)}${some(digits, 4)}${pick(4) ? 'EEEE' : 'eeee'}${now('!', 6)}`;
  if (pick(25) === 0) return some([...digits, ...beside, ...signs, 'V', 'RN', 'EEEE', '.', 'D'], 7);
  const places = (most: number) =>
    Array.from(
      { length: pick(most + 1) },
      () => digits[pick(digits.length)] + now(beside[pick(beside.length)] ?? '', 6),
    ).join('');
  const sign = pick(2) === 0 ? (signs[pick(signs.length)] ?? '') : '';
  const [front, back] = pick(2) === 0 ? [sign, ''] : ['', sign];
  const point = pick(8) === 0 ? `V${places(3)}` : pick(2) === 0 ? `${pick(3) ? '.' : 'D'}${places(5)}` : '';
  return `${now('FM', 3)}${front}${now('L', 10)}${places(7)}${point}${back}${now('th', 10)}${now(' end', 8)}`;
}

/** Numbers as texts: of a random size and fraction, extremes, and those that lie in the middle between two. */
function number(pick: Pick): string {
  const sign = pick(2) ? '-' : '';
  const whole = (most: number) => String(pick(10 ** (1 + pick(most))));
  if (pick(6) === 0)
    return (
      ['0', '0.5', '1.5', '2.5', '-0.5', '0.05', '0.125', '-0.25', '99.995', '9.5', '0.000123', '1e15', '-1e-7'][
        pick(13)
      ] ?? '0'
    );
  return pick(3) === 0 ? sign + whole(9) : `${sign}${whole(6)}.${String(pick(10 ** 6)).slice(0, 1 + pick(6))}`;
}

const extremes: { readonly [type: string]: readonly string[] } = {
  integer: ['2147483647', '-2147483648', '3999', '4000', '25', '35', '-15'],
  bigint: ['9223372036854775807', '-9223372036854775808', '9007199254740993', '25'],
  numeric: ['12345678901234567890.123456789', '-0.00001', '9.9999', '1e20', '3999.4', '3999.5', '0.4'],
  real: ['NaN', 'Infinity', '-Infinity', '3.4e38', '1e-30', '123456.7', '-0'],
  'double precision': [
    'NaN',
    'Infinity',
    '-Infinity',
    '1e308',
    '5e-324',
    '-0',
    '123456789012345.6',
    '1e23',
    '2.5',
    '3999.5',
  ],
};

export function generateNumberFormat(pick: Pick): NumberFormat {
  const template = numberTemplate(pick).replaceAll("'", "''");
  const types = [...Object.keys(extremes), 'smallint', 'json'];
  const type = types[pick(types.length)] ?? 'integer';
  const known = extremes[type];
  const value = known && pick(6) === 0 ? (known[pick(known.length)] ?? '0') : number(pick);
  const isWhole = /^(?:integer|bigint|smallint)$/.test(type);
  const text = isWhole && !known?.includes(value) ? String(Math.trunc(Number(value)) % 30_000) : value;
  // An untyped field is written as a number where the template is one.
  if (type !== 'json' || !/[09]|RN|rn/.test(template.replace(/\\"|"(?:\\.|[^"\\])*"?/g, ''))) {
    const call = `to_char('${text}'::${type === 'json' ? 'numeric' : type}, '${template}')`;
    return { own: call, theirs: call };
  }
  const parsed = String(Number(value));
  return {
    own: `to_char('[${parsed}]'::jsonb -> 0, '${template}')`,
    theirs: `to_char('${parsed}'::${/^-?\d+$/.test(parsed) ? 'numeric' : 'double precision'}, '${template}')`,
  };
}
