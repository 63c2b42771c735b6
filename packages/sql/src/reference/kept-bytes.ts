/** What goes out as it came: a query, a payload, and the row that it makes of it. */
export interface KeptNote {
  readonly what: string;
  readonly example: readonly [query: string, payload: string, row: string];
}

export const keptNotes: readonly KeptNote[] = [
  {
    what: 'The message: `SELECT *`, which keeps the white space around it as well, and `payload`. `SELECT *, x AS y` adds to its bytes, unless it has a member `y` already.',
    example: ['SELECT *, 1 AS n FROM orders', '{"id": 7.0}', '{"id": 7.0,"n":1}'],
  },
  {
    what: 'A field, and a column of type JSON or `JSON[]` of a table; the last one of a name.',
    example: ['SELECT a FROM orders', '{"a":1,"a":{"x":2.50, "x":1e400}}', '{"a":{"x":2.50, "x":1e400}}'],
  },
  {
    what: 'What constant steps lead to within such a value: `->`, `#>`, `jsonb_extract_path`, `json_extract`.',
    example: [
      "SELECT a->'b'->0 AS x, jsonb_extract_path(a, 'b', '1') AS y FROM orders",
      '{"a":{"b":[1.0, "\\u0061"]}}',
      '{"x":1.0,"y":"\\u0061"}',
    ],
  },
  {
    what: 'An element that `unnest`, `jsonb_array_elements` or `json_array_elements` gives of such a value, and what steps lead to within it.',
    example: [
      "SELECT i, i->'n' AS n FROM orders, unnest(items) AS i",
      '{"items":[ {"n" : 1.0} ]}',
      '{"i":{"n" : 1.0},"n":1.0}',
    ],
  },
  {
    what: 'Such a value that is the result of a CASE or COALESCE.',
    example: ["SELECT COALESCE(a->'b', c) AS x FROM orders", '{"a":{},"c":[1.0 ]}', '{"x":[1.0 ]}'],
  },
];
