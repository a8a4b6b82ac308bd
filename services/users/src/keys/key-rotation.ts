/** When a signing key was created and from when it signs, in milliseconds of the database's clock. */
export type KeyTimes = { kid: string; createdAt: number; signsFrom: number };

export type RotationRules = {
  /** How long a verifier may use the published keys that it has fetched. */
  cacheMs: number;
  /** How long an access token is valid. */
  tokenMs: number;
  /** How long a key signs. */
  rotationMs: number;
  /** A key that was created before this time is replaced, as soon as this time has come. */
  replaceBefore?: number;
};

export type KeyPlan = {
  /** The key that signs now; undefined only before the first key was created. */
  signing: string | undefined;
  /** Keys that verifiers must know now. */
  published: string[];
  /** A key to create now, and from when it signs. */
  create?: { signsFrom: number };
  /** Keys whose last token has expired. */
  expired: string[];
};

/**
 * An upper bound for the sum of clocks that differ, a published response that is a second old, and a
 * process that reads its keys every few seconds. Both ends of a key's life are longer by it.
 */
export const marginMs = 60_000;

/**
 * The life of a key: created and published; one cache lifetime later, when every verifier knows it, it
 * signs; when its successor signs it only verifies; once the last token that it signed has expired it
 * is deleted. The very first key signs at once: no verifier holds older keys without it.
 */
export const planKeys = (keys: readonly KeyTimes[], now: number, rules: RotationRules): KeyPlan => {
  const inOrder = keys.toSorted(
    (a, b) => a.signsFrom - b.signsFrom || (a.kid < b.kid ? -1 : Number(a.kid > b.kid)),
  );
  const newest = inOrder.at(-1);
  if (newest === undefined) {
    return { signing: undefined, published: [], create: { signsFrom: now }, expired: [] };
  }
  const isExpired = (_key: KeyTimes, index: number): boolean => {
    const successor = inOrder[index + 1];
    return successor !== undefined && now > successor.signsFrom + rules.tokenMs + marginMs;
  };
  const expired = inOrder.filter(isExpired).map(({ kid }) => kid);
  const leadMs = rules.cacheMs + marginMs;
  const { replaceBefore = Number.NEGATIVE_INFINITY } = rules;
  const isOld = now >= newest.signsFrom + rules.rotationMs - leadMs;
  const isReplaced = newest.createdAt < replaceBefore && replaceBefore <= now;
  const isDue = now >= newest.signsFrom && (isOld || isReplaced);
  // After a clock was set back all keys may begin in the future: the oldest is published, so it may sign.
  const signing = inOrder.findLast(({ signsFrom }) => signsFrom <= now) ?? inOrder[0];
  return {
    signing: signing?.kid,
    published: inOrder.map(({ kid }) => kid).filter((kid) => !expired.includes(kid)),
    ...(isDue ? { create: { signsFrom: now + leadMs } } : {}),
    expired,
  };
};
