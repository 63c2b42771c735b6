/** Orders; `percent` runs from 0 to 99. */
export const orders = (count: number, size: 'small' | 'large'): object[] =>
  Array.from({ length: count }, (_, i) => (size === 'small' ? small(i) : large(i)));

/** Messages one behind the other in one buffer, as a socket brings them. */
export function laidOut(messages: readonly Uint8Array[]): Buffer[] {
  const chunk = Buffer.concat(messages);
  let offset = 0;
  return messages.map(({ length }) => {
    const begin = offset;
    offset += length;
    return chunk.subarray(begin, offset);
  });
}

export const averageBytes = (messages: readonly Uint8Array[]): number =>
  Math.round(messages.reduce((sum, { length }) => sum + length, 0) / messages.length);

/** About 200 bytes as JSON. */
const small = (i: number) => ({
  id: `order-${String(i).padStart(8, '0')}`,
  customer: `customer-${i % 97}`,
  percent: (i * 37) % 100,
  amount: 10 + (i % 1_000) / 100,
  currency: 'EUR',
  items: [{ sku: 'A-1', n: 2 }],
  note: 'a short remark that makes the message about two hundred bytes',
});

/** About 4 KiB as JSON, most of it within members that no query of the benchmark reads. */
const large = (i: number) => ({
  id: `order-${String(i).padStart(8, '0')}`,
  customer: { name: `customer-${i % 97}`, address: { street: 'Hauptstraße 5', city: 'Köln', zip: '50667' } },
  items: Array.from({ length: 45 }, (_, k) => ({ sku: `A-${k}`, n: 1 + (k % 7), price: k * 1.37, tags: ['x', 'yy'] })),
  percent: (i * 37) % 100,
  amount: 10 + (i % 1_000) / 100,
  currency: 'EUR',
  note: 'a longer remark '.repeat(60),
});
