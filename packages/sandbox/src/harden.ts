/**
 * Run once in each new interpreter, before any code of a user. It takes away what would make a function's result depend on anything but its arguments:
 * the clock, chance, and state that one call could leave to the next, in globals or in the objects that all code shares. The value is a function that
 * makes of a user's function one from the JSON text of an array of arguments to a text: `+` and the JSON text of the value, or `-` and why there is
 * none. Integers beyond 2^53 travel as texts behind `mark`, and are BigInts in between.
 */
export const hardenText = `(function (mark) {
  'use strict';
  const { parse, stringify } = JSON;
  const { freeze, defineProperty, getPrototypeOf, getOwnPropertyDescriptor } = Object;
  const { ownKeys, apply, construct } = Reflect;
  const { slice, startsWith, includes } = String.prototype;
  const call = (method, self, ...args) => apply(method, self, args);
  const IsError = Error, IsPromise = Promise, toText = String, toBigInt = BigInt, isFiniteNumber = Number.isFinite;

  const noClock = 'there is no clock in a function: hand the time over as an argument, such as NOW()';
  const RealDate = Date;
  function SafeDate(...args) {
    if (!new.target || args.length === 0) throw new Error(noClock);
    return construct(RealDate, args, new.target);
  }
  SafeDate.prototype = RealDate.prototype;
  SafeDate.parse = RealDate.parse;
  SafeDate.UTC = RealDate.UTC;
  SafeDate.now = () => { throw new Error(noClock); };
  RealDate.prototype.constructor = SafeDate;
  globalThis.Date = SafeDate;
  Math.random = () => { throw new Error('there is no chance in a function: hand a number over as an argument'); };
  for (const name of ['WeakRef', 'FinalizationRegistry', 'performance', 'eval']) delete globalThis[name];

  // Objects of a user may still have members of names that frozen prototypes have, which assignment would otherwise refuse.
  const overridable = (prototype) => {
    for (const key of ownKeys(prototype)) {
      const { value, writable, configurable, enumerable } = getOwnPropertyDescriptor(prototype, key);
      if (!writable || !configurable) continue;
      defineProperty(prototype, key, {
        get() { return value; },
        set(own) {
          if (this === prototype) throw new TypeError('what all functions share cannot be changed');
          defineProperty(this, key, { value: own, writable: true, configurable: true, enumerable: true });
        },
        enumerable, configurable: false,
      });
    }
  };
  for (const type of [Object, Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])
    overridable(type.prototype);

  const roots = [
    globalThis, function () {}, function* () {}, async function () {}, async function* () {}, (function* () {})(), (async function* () {})(),
    [][Symbol.iterator](), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](), ''[Symbol.iterator](), ''.matchAll(/a/g), new Uint8Array(0),
  ];
  const seen = new Set();
  for (const root of roots) seen.add(root);
  for (const object of seen) {
    const reach = (value) => {
      if ((typeof value === 'object' && value !== null) || typeof value === 'function') seen.add(value);
    };
    reach(getPrototypeOf(object));
    for (const key of ownKeys(object)) {
      const { value, get, set } = getOwnPropertyDescriptor(object, key);
      reach(value); reach(get); reach(set);
    }
  }
  // A view of bytes cannot be frozen, and is not shared.
  for (const object of seen) if (!ArrayBuffer.isView(object)) freeze(object);

  const read = (key, value) =>
    typeof value === 'string' && call(startsWith, value, mark) ? toBigInt(call(slice, value, mark.length)) : value;
  const write = (key, value) => typeof value === 'bigint' ? mark + value : value;
  const reasonOf = (error) => {
    if (error instanceof IsError) return toText(error.name) + ': ' + toText(error.message);
    return 'it threw ' + (typeof error === 'object' ? stringify(error) : toText(error));
  };
  return (user) => (text) => {
    try {
      const args = call(includes, text, mark) ? parse(text, read) : parse(text);
      const value = user(...args);
      if (value instanceof IsPromise) return '-it is asynchronous, and has to return its value itself';
      if (typeof value === 'function' || typeof value === 'symbol') return '-it returned a ' + typeof value + ', which is no value of JSON';
      if (typeof value === 'number' && !isFiniteNumber(value)) return '+"' + value + '"';
      return '+' + (stringify(value, write) ?? 'null');
    } catch (error) {
      try { return '-' + reasonOf(error); } catch { return '-it threw something that cannot be shown'; }
    }
  };
})`;
