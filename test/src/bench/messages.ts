/** An order of about 200 bytes, as most benchmarks read it. */
export interface Order {
  readonly id: string;
  readonly customer: string;
  readonly amount: number;
  /** From 0 to 99, each as often as the others. */
  readonly percent: number;
  /** True in every second one. */
  readonly keep: boolean;
  readonly currency: string;
}

/** How many different orders there are; a multiple of 100, so that each `percent` is as frequent as any. */
export const orderCount = 1_000;

export const orders: readonly Order[] = Array.from({ length: orderCount }, (_, i) => ({
  id: `order-${String(i).padStart(8, '0')}`,
  customer: `customer-${i % 97}`,
  amount: 10 + (i % 1_000) / 100,
  percent: (i * 37) % 100,
  keep: i % 2 === 0,
  currency: 'EUR',
  items: [{ sku: 'A-1', n: 2 }],
  note: 'a short remark that makes it two hundred bytes',
}));

export const orderMessages: readonly Uint8Array[] = orders.map((order) => Buffer.from(JSON.stringify(order)));

/** The columns of a row of any job over orders, in SQL. */
export const rowColumns = 'id, customer, amount * 2 AS double_amount, currency';

/** Those rows, in order, of the orders that pass. */
export const rowsOf = (passes: (order: Order) => boolean): Uint8Array[] =>
  orders
    .filter(passes)
    .map(({ id, customer, amount, currency }) =>
      Buffer.from(JSON.stringify({ id, customer, double_amount: amount * 2, currency })),
    );
