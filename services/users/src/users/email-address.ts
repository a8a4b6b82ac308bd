import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

import { z } from 'zod';

/** RFC 5321, section 4.5.3.1, in octets: local part, whole address (a path of 256 without `<` and `>`). */
const maximumLocalPart = 64;
const maximumAddress = 254;
const maximumLabel = 63;

const octets = (text: string): number => Buffer.byteLength(text, 'utf8');

// Control, format, private and unassigned characters and every kind of blank. Persian and the languages
// of India need the zero-width joiners (U+200C, U+200D) inside words.
const invisible = /(?![\u200C\u200D])[\p{C}\p{Z}]/u;

const atom = String.raw`[A-Za-z0-9!#$%&'*+/=?^_\x60{|}~\u{80}-\u{10FFFF}-]+`;
/** RFC 5321 Dot-string, with the characters of RFC 6531. */
const dotString = new RegExp(String.raw`^${atom}(\.${atom})*$`, 'u');
/** RFC 5321 Quoted-string: any visible character, `"` and `\` after a backslash. */
const quotedString = /^"(?:[^"\\]|\\.)*"$/u;

const label = new RegExp(`^(?!-)[a-z0-9-]{1,${String(maximumLabel)}}(?<!-)$`);
// What the URL standard takes for an IPv4 address; no such domain exists.
const numericLabel = /^(\d+|0x[0-9a-f]*)$/;

/** `[192.0.2.1]` or `[IPv6:2001:db8::1]`. */
const isAddressLiteral = (domain: string): boolean => {
  const inner = /^\[(.*)\]$/.exec(domain)?.[1] ?? '';
  return isIPv4(inner) || (/^ipv6:/i.test(inner) && isIPv6(inner.slice(5)) && !inner.includes('%'));
};

/** The domain in lower-case ASCII, or undefined where it is not a domain. */
const canonicalDomain = (domain: string): string | undefined => {
  if (isAddressLiteral(domain)) return domain.toLowerCase();
  // domainToASCII parses its argument as the host of a URL: nothing else of a URL may get there.
  if (/[^A-Za-z0-9.\u{80}-\u{10FFFF}-]/u.test(domain)) return undefined;
  const ascii = domainToASCII(domain);
  const labels = ascii.split('.');
  if (numericLabel.test(labels.at(-1) ?? '')) return undefined;
  return labels.every((one) => label.test(one)) ? ascii : undefined;
};

const unquoted = (local: string): string => {
  if (!quotedString.test(local)) return local;
  const content = local.slice(1, -1).replaceAll(/\\(.)/gu, '$1');
  return dotString.test(content) ? content : JSON.stringify(content);
};

// The two lower-case forms of sigma are one letter, whose form depends on its place in the word.
const lowerCase = (text: string): string =>
  text.toLowerCase().replaceAll('ς', 'σ').normalize('NFC');

/**
 * The form in which addresses are compared: NFC, without case, the domain in ASCII, so that
 * `Ada@BÜCHER.example` and `ada@xn--bcher-kva.example` are one address. Undefined where the text is
 * not an e-mail address of RFC 5321 with the characters of RFC 6531.
 */
export const canonicalEmail = (address: string): string | undefined => {
  const normalized = address.normalize('NFC');
  const at = normalized.lastIndexOf('@');
  const local = normalized.slice(0, Math.max(0, at));
  if (invisible.test(normalized) || octets(local) > maximumLocalPart) return undefined;
  if (!dotString.test(local) && !quotedString.test(local)) return undefined;
  const domain = canonicalDomain(normalized.slice(at + 1));
  if (domain === undefined) return undefined;
  const tooLong = [`${local}@${domain}`, normalized].some((text) => octets(text) > maximumAddress);
  return tooLong ? undefined : `${lowerCase(unquoted(local))}@${domain}`;
};

/** Stored in NFC as typed, compared by `canonicalEmail`. */
export const emailField = () =>
  z
    .string()
    .max(maximumAddress)
    .refine(
      (value) => value.isWellFormed() && canonicalEmail(value) !== undefined,
      'must be an e-mail address like ada@example.com',
    )
    .transform((value) => value.normalize('NFC'))
    .meta({
      override: { type: 'string', format: 'idn-email', minLength: 3, maxLength: maximumAddress },
      examples: ['ada@example.com'],
    });
