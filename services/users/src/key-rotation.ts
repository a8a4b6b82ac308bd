/** When a signing key was made and from when it signs, in milliseconds of the database's clock. */
export type KeyTimes = { kid: string; createdAt: number; signsFrom: number };

export type RotationRules = {
  /** How long a verifier may go on with the published keys it has. */
  cacheMs: number;
  /** How long an access token lives. */
  tokenMs: number;
  /** How long a key signs. */
  rotationMs: number;
};

export type KeyPlan = {
  /** The key that signs now; undefined only before the first key was made. */
  signing: string | undefined;
  /** Keys that verifiers must know now. */
  published: string[];
  /** A key to make now, and from when it signs. */
  create?: { signsFrom: number };
  /** Keys whose last token has run out. */
  forget: string[];
};

/**
 * What clocks that differ, a published answer that is a second old, and a process that reads its keys
 * every few seconds may add up to. Both ends of a key's life are longer by it.
 */
export const marginMs = 60_000;

/**
 * The life of a key: made and published; one cache lifetime later it signs, so every verifier knows
 * it by then; when its successor signs it only verifies; once the last token it signed has run out it
 * is forgotten. The very first key signs at once, for nobody holds older keys that could lack it.
 */
export const planKeys = (keys: readonly KeyTimes[], now: number, rules: RotationRules): KeyPlan => {
  const inOrder = keys.toSorted(
    (a, b) => a.signsFrom - b.signsFrom || (a.kid < b.kid ? -1 : Number(a.kid > b.kid)),
  );
  const newest = inOrder.at(-1);
  if (newest === undefined) {
    return { signing: undefined, published: [], create: { signsFrom: now }, forget: [] };
  }
  const isOver = (_key: KeyTimes, index: number): boolean => {
    const successor = inOrder[index + 1];
    return successor !== undefined && now > successor.signsFrom + rules.tokenMs + marginMs;
  };
  const forget = inOrder.filter(isOver).map(({ kid }) => kid);
  const leadMs = rules.cacheMs + marginMs;
  const isDue = now >= newest.signsFrom && now >= newest.signsFrom + rules.rotationMs - leadMs;
  // A clock that was set back leaves only keys of the future: the eldest is published, so it may sign.
  const signing = inOrder.findLast(({ signsFrom }) => signsFrom <= now) ?? inOrder[0];
  return {
    signing: signing?.kid,
    published: inOrder.map(({ kid }) => kid).filter((kid) => !forget.includes(kid)),
    ...(isDue ? { create: { signsFrom: now + leadMs } } : {}),
    forget,
  };
};
