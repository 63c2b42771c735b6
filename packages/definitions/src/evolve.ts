import type { Kind } from '@laminar/protocol';
import type { DefinitionOfKind, PipelineDefinition, Recorded } from './definition.js';
import type { RecordedEvent } from './event.js';

/** A definition after one more event; undefined once it is dropped. The first event of a life must carry a whole definition. */
export function evolve(state: Recorded | undefined, event: RecordedEvent): Recorded | undefined {
  const { body } = event;
  switch (body.type) {
    case 'ConnectionCreated':
    case 'TableCreated':
    case 'PipelineCreated':
    case 'FunctionCreated':
    case 'SecretCreated':
      return recorded(undefined, event, body.definition);
    case 'ConnectionChanged':
    case 'TableChanged':
    case 'PipelineChanged':
    case 'FunctionChanged':
    case 'SecretChanged':
    case 'PipelineRolledBack':
      return recorded(state, event, body.definition);
    case 'PipelineStarted':
      return state && recorded(state, event, { ...(state.definition as PipelineDefinition), desired: 'running' });
    case 'PipelineStopped':
      return state && recorded(state, event, { ...(state.definition as PipelineDefinition), desired: 'stopped' });
    case 'ConnectionDropped':
    case 'TableDropped':
    case 'PipelineDropped':
    case 'FunctionDropped':
    case 'SecretDropped':
      return undefined;
  }
}

/** Says whether an event carries all of its definition, so that nothing before it matters. */
export function isWhole({ body }: RecordedEvent): boolean {
  return 'definition' in body || body.type.endsWith('Dropped');
}

function recorded(state: Recorded | undefined, event: RecordedEvent, definition: DefinitionOfKind[Kind]): Recorded {
  return {
    kind: event.kind,
    name: event.name,
    version: event.version,
    revision: event.revision,
    incarnation: state?.incarnation ?? event.revision,
    createdAt: state?.createdAt ?? event.at,
    updatedAt: event.at,
    actor: event.actor,
    traceparent: event.traceparent,
    definition,
  };
}
