/** Where a row came from: what makes it one of a kind, whenever its message is evaluated. */
export interface RowOrigin {
  /** Pipeline and source stream, each with its incarnation. */
  readonly family: string;
  /** Of the message in its stream. */
  readonly sequence: number;
  /** Its place among the rows of the message. */
  readonly row: number;
}

/** The message id that a row has in its output. */
export const rowId = ({ family, sequence, row }: RowOrigin): string => `${family}.${sequence}.${row}`;

/** The origin that a message id names; undefined where it is none of ours, or one that is different for each delivery. */
export function originOf(id: string): RowOrigin | undefined {
  const last = id.lastIndexOf('.');
  const middle = id.lastIndexOf('.', last - 1);
  if (middle <= 0) return undefined;
  const [sequence, row] = [wholeNumber(id.slice(middle + 1, last)), wholeNumber(id.slice(last + 1))];
  return sequence === undefined || row === undefined ? undefined : { family: id.slice(0, middle), sequence, row };
}

const digits = /^\d{1,15}$/;

const wholeNumber = (text: string): number | undefined => (digits.test(text) ? Number(text) : undefined);
