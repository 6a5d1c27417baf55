/** Up to this place a loop is faster than a call of what is built in, which is fast far behind. */
const nearPlaces = 16;

/** Where a byte is in the list, which it is. */
export function placeOf(list: Uint8Array, byte: number): number {
  for (let place = 0; place < nearPlaces; place++) if (list[place] === byte) return place;
  return list.indexOf(byte, nearPlaces);
}

/** Moves the byte at a place to the front, and gives it. */
export function moveToFront(list: Uint8Array, place: number): number {
  const byte = list[place] as number;
  if (place < nearPlaces) {
    for (let at = place; at > 0; at--) list[at] = list[at - 1] as number;
  } else list.copyWithin(1, 0, place);
  list[0] = byte;
  return byte;
}
