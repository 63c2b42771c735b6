import type { Catalog } from '../catalog.js';
import type { FunctionDefinition } from '../definition.js';

/** Why a function would come to call itself, through others too; undefined where it does not. */
export function recursionOf(name: string, definition: FunctionDefinition, catalog: Catalog): string | undefined {
  const through = new Map<string, readonly string[]>(definition.calls.map((callee) => [callee, [callee]]));
  for (const [callee, path] of through) {
    if (callee === name) {
      const calls = [name, ...path].map((called) => `"${called}"`).join(' calls ');
      return `a function cannot call itself, directly or through others: ${calls}`;
    }
    for (const next of catalog.get('function', callee)?.definition.calls ?? []) {
      if (!through.has(next)) through.set(next, [...path, next]);
    }
  }
  return undefined;
}
