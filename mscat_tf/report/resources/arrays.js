"use strict";
/* Arrays of the page: base64 of half-precision numbers, or of bytes with a scale (mscat_tf/report/arrays.py). */

const HALVES = new Float32Array(65536).map((_, bits) => {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
});

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** {shape, values}: numbers of a packed array in the order of C; unpacked once. */
function unpack(packed) {
  if (packed.values) return packed;
  const bytes = bytesOf(packed.data);
  if (packed.kind === "half") {
    packed.values = Float32Array.from({ length: bytes.length / 2 }, (_, i) => HALVES[bytes[2 * i] | (bytes[2 * i + 1] << 8)]);
  } else {
    const [rows, columns] = packed.shape.slice(-2), size = rows * columns;
    packed.values = Float32Array.from(bytes, (level, i) => {
      const matrix = Math.floor(i / size);
      return packed.low[matrix] + packed.scale[matrix] * level;
    });
  }
  delete packed.data;
  return packed;
}

/** The part of an array at leading indices, as {shape, values}. */
function at(packed, ...indices) {
  const { shape, values } = unpack(packed);
  const rest = shape.slice(indices.length), size = rest.reduce((a, b) => a * b, 1);
  const place = indices.reduce((sum, index, axis) => sum * shape[axis] + index, 0);
  return { shape: rest, values: values.subarray(place * size, (place + 1) * size) };
}

/** Rows of a matrix {shape: [rows, columns], values}. */
function rowsOf({ shape, values }) {
  return Array.from({ length: shape[0] }, (_, row) => Array.from(values.subarray(row * shape[1], (row + 1) * shape[1])));
}

/** Mean over the first axis. */
function meanOf(packed) {
  const { shape, values } = unpack(packed), size = values.length / shape[0];
  const mean = Float32Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let first = 0; first < shape[0]; first++) sum += values[first * size + i];
    return sum / shape[0];
  });
  return { shape: shape.slice(1), values: mean };
}
