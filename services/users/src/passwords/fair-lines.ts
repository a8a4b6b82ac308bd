export type QueueClient = {
  network: string;
  /** The user has signed in from this network before, and goes first within the network's share. */
  isKnown: boolean;
};

export type Waiter = { start: () => void; refuse: () => void };

/** The waiters of one network, each list in the order of arrival. */
type Line = { known: Waiter[]; others: Waiter[] };

export type FairLines = {
  /** @returns false where the lines are full and the client has no better claim than the others */
  add(client: QueueClient, waiter: Waiter): boolean;
  /** Removes the waiter whose turn it is. */
  next(): Waiter | undefined;
  length(): number;
};

const lengthOf = (line: Line | undefined): number =>
  line === undefined ? 0 : line.known.length + line.others.length;

const longestOf = (lines: Iterable<Line>): Line =>
  [...lines].reduce<Line>((a, b) => (lengthOf(b) > lengthOf(a) ? b : a), { known: [], others: [] });

/**
 * A waiting line for each network. Networks take turns: however many requests one network sends, a
 * request from another waits for one turn of each network. When the lines are full, the longest one
 * loses its last waiter to a request from a network with a shorter line, or of a known user.
 */
export const makeFairLines = (maximum: number): FairLines => {
  // In the order of turns: the network whose turn was the longest ago comes first.
  const lines = new Map<string, Line>();
  let length = 0;

  const refuseLast = (list: Waiter[]): void => {
    length -= 1;
    list.pop()?.refuse();
  };

  const makeRoom = (client: QueueClient): boolean => {
    const own = lines.get(client.network);
    const longest = longestOf(lines.values());
    if (lengthOf(longest) > lengthOf(own) + 1) {
      refuseLast(longest.others.length > 0 ? longest.others : longest.known);
      return true;
    }
    if (!client.isKnown || own === undefined || own.others.length === 0) return false;
    refuseLast(own.others);
    return true;
  };

  return {
    add: (client, waiter) => {
      if (length >= maximum && !makeRoom(client)) return false;
      const line = lines.get(client.network) ?? { known: [], others: [] };
      lines.set(client.network, line);
      (client.isKnown ? line.known : line.others).push(waiter);
      length += 1;
      return true;
    },

    next: () => {
      const [first] = lines;
      if (first === undefined) return undefined;
      const [network, line] = first;
      lines.delete(network);
      const waiter = line.known.shift() ?? line.others.shift();
      if (lengthOf(line) > 0) lines.set(network, line);
      length -= 1;
      return waiter;
    },

    length: () => length,
  };
};
