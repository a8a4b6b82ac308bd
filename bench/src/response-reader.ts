const headEnd = Buffer.from('\r\n\r\n');
const contentLength = /\r\ncontent-length: (\d+)/i;

/**
 * Reads HTTP/1.1 responses from the chunks of a connection: only their status and length, since the load
 * generator shares the processor with the server. The API sends a Content-Length with every body.
 */
export const makeResponseReader = (
  onResponse: (status: number) => void,
): ((chunk: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0);
  let status = 0;
  /** Bytes of the body that have not arrived. */
  let missing = 0;

  return (chunk) => {
    let from = 0;
    if (missing > 0) {
      from = Math.min(missing, chunk.length);
      missing -= from;
      if (missing > 0) return;
      onResponse(status);
    }
    let data = rest.length === 0 ? chunk.subarray(from) : Buffer.concat([rest, chunk]);
    for (;;) {
      const end = data.indexOf(headEnd);
      if (end === -1) break;
      const head = data.toString('latin1', 0, end);
      status = Number(head.slice(9, 12));
      const total = end + headEnd.length + Number(contentLength.exec(head)?.[1] ?? 0);
      missing = Math.max(0, total - data.length);
      data = data.subarray(Math.min(total, data.length));
      if (missing > 0) break;
      onResponse(status);
    }
    rest = data;
  };
};
