import { sign, verify, type KeyObject } from 'node:crypto';

/** What the code of a ticket says. It has nothing about the person. */
export type TicketCode = {
  /** The key that signed it: 0 to 65535, published in /.well-known/ticket-keys.json. */
  keyNumber: number;
  ticketId: number;
  screeningId: number;
  /** The position in the seat plan; undefined for general admission. */
  seat: number | undefined;
  /** Codes of one ticket are counted: a move to another seat makes those before it void. */
  codeVersion: number;
};

// RFC 4648: upper-case letters and digits alone, which a QR code stores in its compact alphanumeric mode and
// which scanners that type like a keyboard do not change.
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

const format = 1;
const payloadBytes = 23;
const signatureBytes = 64;
const noSeat = 0xffff;

const encode = (bytes: Buffer): string => {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet.charAt((value >> bits) & 31);
    }
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + alphabet.charAt((value << (5 - bits)) & 31);
};

const decode = (text: string): Buffer | undefined => {
  const bytes = Buffer.alloc(Math.floor((text.length * 5) / 8));
  let at = 0;
  let bits = 0;
  let value = 0;
  for (const character of text) {
    const digit = alphabet.indexOf(character);
    if (digit === -1) return undefined;
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at] = (value >> bits) & 255;
      at += 1;
    }
    value &= (1 << bits) - 1;
  }
  // Only the canonical encoding: a ticket has one code.
  return value === 0 ? bytes : undefined;
};

const payloadOf = (code: TicketCode): Buffer => {
  const payload = Buffer.alloc(payloadBytes);
  payload.writeUInt8(format, 0);
  payload.writeUInt16BE(code.keyNumber, 1);
  payload.writeBigUInt64BE(BigInt(code.ticketId), 3);
  payload.writeBigUInt64BE(BigInt(code.screeningId), 11);
  payload.writeUInt16BE(code.seat ?? noSeat, 19);
  payload.writeUInt16BE(code.codeVersion, 21);
  return payload;
};

/** The text of a ticket's QR code: what it says, and an Ed25519 signature, in base 32. */
export const signTicketCode = (code: TicketCode, key: KeyObject): string => {
  const payload = payloadOf(code);
  return encode(Buffer.concat([payload, sign(null, payload, key)]));
};

const codeLength = Math.ceil(((payloadBytes + signatureBytes) * 8) / 5);

/**
 * What a code says, if one of the keys signed it. Letters may be in either case and in groups: a person may
 * have typed them.
 */
export const readTicketCode = (
  text: string,
  findKey: (keyNumber: number) => KeyObject | undefined,
): TicketCode | undefined => {
  const compact = text.replaceAll(/[\s-]/g, '').toUpperCase();
  const bytes = compact.length === codeLength ? decode(compact) : undefined;
  if (bytes?.readUInt8(0) !== format) return undefined;
  const payload = bytes.subarray(0, payloadBytes);
  const keyNumber = payload.readUInt16BE(1);
  const key = findKey(keyNumber);
  if (key === undefined || !verify(null, payload, key, bytes.subarray(payloadBytes))) {
    return undefined;
  }
  const seat = payload.readUInt16BE(19);
  return {
    keyNumber,
    ticketId: Number(payload.readBigUInt64BE(3)),
    screeningId: Number(payload.readBigUInt64BE(11)),
    seat: seat === noSeat ? undefined : seat,
    codeVersion: payload.readUInt16BE(21),
  };
};
