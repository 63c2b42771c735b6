/** Orders as JSON in UTF-8, laid one behind the other as a socket brings them. `percent` runs from 0 to 99. */
export function orders(count: number, size: 'small' | 'large'): Uint8Array[] {
  const texts = Array.from({ length: count }, (_, i) => JSON.stringify(size === 'small' ? small(i) : large(i)));
  const chunk = Buffer.from(texts.join(''));
  let offset = 0;
  return texts.map((text) => {
    const begin = offset;
    offset += Buffer.byteLength(text);
    return chunk.subarray(begin, offset);
  });
}

/** About 200 bytes. */
const small = (i: number) => ({
  id: `order-${String(i).padStart(8, '0')}`,
  customer: `customer-${i % 97}`,
  percent: (i * 37) % 100,
  amount: 10 + (i % 1_000) / 100,
  currency: 'EUR',
  items: [{ sku: 'A-1', n: 2 }],
  note: 'a short remark that makes the message about two hundred bytes',
});

/** About 4 KiB, most of it within members that no query of the benchmark reads. */
const large = (i: number) => ({
  id: `order-${String(i).padStart(8, '0')}`,
  customer: { name: `customer-${i % 97}`, address: { street: 'Hauptstraße 5', city: 'Köln', zip: '50667' } },
  items: Array.from({ length: 45 }, (_, k) => ({ sku: `A-${k}`, n: 1 + (k % 7), price: k * 1.37, tags: ['x', 'yy'] })),
  percent: (i * 37) % 100,
  amount: 10 + (i % 1_000) / 100,
  currency: 'EUR',
  note: 'a longer remark '.repeat(60),
});
