/** Sizes as areas: rectangles that fill a frame and come as close to squares as they can. Pure. */

export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Lay values out in a frame, each area in proportion to its value; in the order in which they are given, which should be
 * from the largest down. Values of 0 get no area. After Bruls, Huizing, van Wijk: "Squarified Treemaps" (2000).
 */
export function squarify(values: readonly number[], frame: Area): Area[] {
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const scale = total > 0 ? (frame.width * frame.height) / total : 0;
  const areas = values.map(value => Math.max(0, value) * scale);
  const result: Area[] = [];
  let free = frame;
  for (let start = 0; start < areas.length; ) {
    const side = Math.min(free.width, free.height);
    let end = start + 1;
    let row = areas[start] ?? 0;
    while (end < areas.length) {
      const next = areas[end] ?? 0;
      if (worst(areas, start, end + 1, row + next, side) > worst(areas, start, end, row, side)) break;
      row += next;
      end++;
    }
    free = place(areas.slice(start, end), row, free, result);
    start = end;
  }
  return result;
}

/** How far the least square-like of a row is from a square; 1 is one. */
function worst(areas: readonly number[], start: number, end: number, row: number, side: number): number {
  if (row === 0 || side === 0) return Number.POSITIVE_INFINITY;
  const thickness = row / side;
  let most = 1;
  for (const area of [areas[start] ?? 0, areas[end - 1] ?? 0]) {
    const length = area / thickness;
    most = Math.max(most, length / thickness, length > 0 ? thickness / length : Number.POSITIVE_INFINITY);
  }
  return most;
}

/** Put a row along the shorter side of what is free; gives back what is left. */
function place(row: readonly number[], total: number, free: Area, into: Area[]): Area {
  const across = free.width >= free.height;
  const side = across ? free.height : free.width;
  const thickness = side > 0 ? total / side : 0;
  let at = 0;
  for (const area of row) {
    const length = thickness > 0 ? area / thickness : 0;
    into.push(
      across
        ? { x: free.x, y: free.y + at, width: thickness, height: length }
        : { x: free.x + at, y: free.y, width: length, height: thickness },
    );
    at += length;
  }
  return across
    ? { ...free, x: free.x + thickness, width: Math.max(0, free.width - thickness) }
    : { ...free, y: free.y + thickness, height: Math.max(0, free.height - thickness) };
}
