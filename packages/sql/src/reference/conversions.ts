import { columnTypes, type ScalarType } from '@laminar/definitions';
import { explicitConversion, implicitConversion } from '../bind/conversions.js';

/** What values of a type become: by themselves where another type is wanted, and by a cast. */
export interface TypeConversions {
  readonly type: ScalarType;
  readonly byItself: readonly ScalarType[];
  readonly byCast: readonly ScalarType[];
}

/** What the binder converts, asked of it; any value also becomes TEXT and JSON by a cast, and JSON anything. */
export const typeConversions: readonly TypeConversions[] = columnTypes
  .filter((type) => type !== 'JSON')
  .map((type) => {
    const others = columnTypes.filter((other) => other !== type && other !== 'TEXT' && other !== 'JSON');
    const byItself = others.filter((other) => implicitConversion(type, other) !== undefined);
    const byCast = others.filter((other) => !byItself.includes(other) && explicitConversion(type, other) !== undefined);
    return { type, byItself, byCast };
  });
