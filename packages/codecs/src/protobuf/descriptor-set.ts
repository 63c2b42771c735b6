import Long from 'long';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor.js';

// protobufjs looks for it by itself, but does not find it under every loader; without it integers of 64 bits lose digits.
protobuf.util.Long = Long;
protobuf.configure();

/** A descriptor that cannot be used; the text says what to do. */
export class InvalidDescriptor extends Error {
  override readonly name = 'InvalidDescriptor';
  constructor(
    message: string,
    /** The file is a descriptor set, and only lacks the message that is asked for. */
    readonly lacksMessage = false,
  ) {
    super(message);
  }
}

/** Larger descriptor sets are not read. */
export const descriptorSetBytesMax = 16 * 1024 * 1024;

/** Names in protobuf; whatever else stands in a descriptor was not made by a compiler. */
const identifier = /^[A-Za-z_]\w*$/;

/** The message type of a descriptor set, with all that it refers to. Throws `InvalidDescriptor`. */
export function messageTypeOf(descriptorSet: Uint8Array, messageName: string): protobuf.Type {
  const root = readRoot(descriptorSet);
  checkNames(root);
  const types = typesOf(root);
  const type = types.find(({ fullName }) => fullName === messageName.replace(/^\.?/, '.'));
  if (type) return type;
  throw new InvalidDescriptor(`the descriptor set has no message "${messageName}"; it has ${listed(types)}`, true);
}

function readRoot(descriptorSet: Uint8Array): protobuf.Root {
  let root: protobuf.Root;
  try {
    root = protobuf.Root.fromDescriptor(descriptorSet, { keepCase: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const missing = /^no such [^']*'\.?([^']+)'/i.exec(reason)?.[1];
    throw new InvalidDescriptor(
      missing === undefined
        ? `the file is no descriptor set (${reason}); write it with protoc --include_imports --descriptor_set_out`
        : `the descriptor set lacks ${missing}, which it refers to; write it with protoc --include_imports`,
    );
  }
  // Any bytes that happen to be fields nobody knows decode to a set of nothing.
  if (root.nestedArray.length === 0)
    throw new InvalidDescriptor(
      'the file is no descriptor set, or an empty one; write it with protoc --include_imports --descriptor_set_out',
    );
  return root;
}

/** The decoder is generated code, which holds names. */
function checkNames(object: protobuf.ReflectionObject): void {
  if (object.parent !== null && !identifier.test(object.name))
    throw new InvalidDescriptor('the descriptor set holds a name that protobuf does not allow');
  if (object instanceof protobuf.Type)
    for (const member of [...object.fieldsArray, ...object.oneofsArray]) checkNames(member);
  if (object instanceof protobuf.Enum && !Object.keys(object.values).every((name) => identifier.test(name)))
    throw new InvalidDescriptor('the descriptor set holds a value of an enum that protobuf does not allow');
  if (object instanceof protobuf.Namespace) for (const nested of object.nestedArray) checkNames(nested);
}

function typesOf(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  return namespace.nestedArray.flatMap((nested) => [
    ...(nested instanceof protobuf.Type ? [nested] : []),
    ...(nested instanceof protobuf.Namespace ? typesOf(nested) : []),
  ]);
}

const listedMax = 10;

/** The names of types, but for those of protobuf itself, which hardly anybody looks for. */
function listed(types: readonly protobuf.Type[]): string {
  const all = types.map(({ fullName }) => fullName.slice(1)).sort();
  const names = all.filter((name) => !name.startsWith('google.protobuf.'));
  if (names.length === 0) return 'none';
  const more = names.length > listedMax ? `, and ${names.length - listedMax} more` : '';
  return names.slice(0, listedMax).join(', ') + more;
}
