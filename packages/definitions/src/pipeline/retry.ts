import type { Catalog } from '../catalog.js';
import { isRedelivered, isSink, resolveConnection } from '../connection/resolve.js';
import type { PipelineDefinition } from '../definition.js';
import { ownReading } from './own-reader.js';

/**
 * Why a pipeline's `on_error = 'retry'` cannot be kept: what it reads sends nothing a second time. Undefined where it can, where the pipeline asks for
 * something else, or where what it reads is still missing.
 */
export function retryRefusal(
  { name: pipeline, options, reads }: Pick<PipelineDefinition, 'options' | 'reads'> & { readonly name: string },
  catalog: Catalog,
): string | undefined {
  if (options.on_error !== 'retry') return undefined;
  for (const relation of reads) {
    const name = catalog.get('table', relation)?.definition.connector ?? relation;
    const connection = catalog.get('connection', name);
    const source = connection && resolveConnection(name, connection.definition);
    if (!source || isSink(source)) continue;
    const own = ownReading({ name: pipeline, options }, source);
    const whose = own ? `the pipeline's own reader of "${name}"` : `"${name}"`;
    if (!isRedelivered(own ?? source))
      return `on_error = 'retry' needs messages that can be delivered again, and ${whose} has no consumer with acknowledgements; 'dead_letter' keeps what fails`;
  }
  return undefined;
}
