/** The same numbers in a larger column. */
export function grown<A extends Uint32Array | Uint8Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
