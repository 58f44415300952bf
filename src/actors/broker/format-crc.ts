// CRC-32 as in Ethernet, gzip and PNG (polynomial 0xEDB88320, reflected), four bytes at a time.
// Source: M. Kounavis and F. Berry, "A systematic approach to building high performance software-based CRC generators"
// (2005): slicing by 4.

const tables: readonly Uint32Array[] = make();

/** Of the bytes in [from, to). Cost: about 1 ns/byte. */
export function crc32(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
  const [t0, t1, t2, t3] = tables as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let crc = -1;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    crc ^= read(bytes, at);
    crc =
      (t3[crc & 255] as number) ^
      (t2[(crc >>> 8) & 255] as number) ^
      (t1[(crc >>> 16) & 255] as number) ^
      (t0[crc >>> 24] as number);
  }
  for (; at < to; at++) crc = (t0[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function read(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function make(): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    first[byte] = crc >>> 0;
  }
  const all = [first];
  for (let n = 1; n < 4; n++) {
    const before = all[n - 1] as Uint32Array;
    all.push(before.map((crc) => ((crc >>> 8) ^ (first[crc & 255] as number)) >>> 0));
  }
  return all;
}
