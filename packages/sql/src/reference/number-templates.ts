/** A pattern of to_char for numbers, with an expression and the JSON text of what it gives. */
export interface NumberTemplateNote {
  readonly patterns: readonly string[];
  readonly writes: string;
  readonly example: readonly [expression: string, gives: string];
}

const note = (patterns: string, writes: string, expression: string, gives: string): NumberTemplateNote => ({
  patterns: patterns.split(' '),
  writes,
  example: [expression, gives],
});

/** The patterns that templates of numbers have. */
export const numberTemplateNotes: readonly NumberTemplateNote[] = [
  note('9', 'A digit; a blank before the first one.', "to_char(485, '9999')", '"  485"'),
  note('0', 'A digit; a zero before the first one.', "to_char(485, '00000')", '" 00485"'),
  note(
    '. D',
    'The point; what stands behind its places is rounded away.',
    "to_char(148.5::numeric, '999.90')",
    '" 148.50"',
  ),
  note(', G', 'A comma between digits.', "to_char(1234567, '9,999,999')", '" 1,234,567"'),
  note('FM', 'No blanks, and no zeros at the end but those of a 0.', "to_char(0.10, 'FM90.990')", '"0.100"'),
  note(
    'S',
    'The sign, `+` too: before the first digit, or behind the last where it stands there.',
    "to_char(485, '999S')",
    '"485+"',
  ),
  note('MI', 'A minus, or a blank, in this place.', "to_char(-485, '999MI')", '"485-"'),
  note('PL', 'A plus, or a blank, in this place.', "to_char(485, 'PL999')", '"+ 485"'),
  note('SG', 'Plus or minus in this place.', "to_char(-485, '9SG99')", '"4-85"'),
  note('PR', 'Angle brackets around a number below 0.', "to_char(-485, '999PR')", '"<485>"'),
  note('L', 'A blank, which is the sign of the currency here.', "to_char(485, 'L999')", '"  485"'),
  note('TH th', 'The ending of an ordinal, of whole numbers from 0 on.', "to_char(482, 'FM999th')", '"482nd"'),
  note('V', 'Multiplied by ten for each 9 behind it.', "to_char(12.45, '99V9')", '" 125"'),
  note(
    'EEEE',
    'The exponent of ten; it is the last pattern, and nothing but digits and a point is written beside it.',
    "to_char(0.0004859, '9.99EEEE')",
    '" 4.86e-04"',
  ),
  note('RN rn', 'Roman numerals, of 1 to 3999, in 15 places.', "to_char(485, 'FMRN')", '"CDLXXXV"'),
];
