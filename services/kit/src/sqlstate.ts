/**
 * Every SQLSTATE that the code names, and what an error of the database means. Codes and classes are
 * those of PostgreSQL's documentation, appendix A.
 */
export const sqlstate = {
  uniqueViolation: '23505',
  foreignKeyViolation: '23503',
  checkViolation: '23514',
  exclusionViolation: '23P01',
  lockNotAvailable: '55P03',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  statementCompletionUnknown: '40003',
  queryCanceled: '57014',
  readOnlyTransaction: '25006',
  idleInTransactionTimeout: '25P03',
  transactionTimeout: '25P04',
  featureNotSupported: '0A000',
  invalidStatementName: '26000',
  duplicatePreparedStatement: '42P05',
  programLimitExceeded: '54000',
  undefinedTable: '42P01',
  undefinedColumn: '42703',
  undefinedFunction: '42883',
  undefinedObject: '42704',
  duplicateObject: '42710',
  insufficientPrivilege: '42501',
  invalidSchemaName: '3F000',
  invalidParameterValue: '22023',
} as const;

/** The SQLSTATE of a PostgreSQL error, or a socket's error code. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

/** The constraint of an error, if PostgreSQL reports one. */
export const constraintOf = (error: unknown): string | undefined =>
  error instanceof Error && 'constraint' in error && typeof error.constraint === 'string'
    ? error.constraint
    : undefined;

const hasCode = (error: unknown, ...codes: readonly string[]): boolean => {
  const code = codeOf(error);
  return code !== undefined && codes.includes(code);
};

/** @param constraint the name of a constraint or unique index; absent: any */
const violates = (code: string) => (error: unknown, constraint?: string) =>
  codeOf(error) === code && (constraint === undefined || constraintOf(error) === constraint);

export const isUniqueViolation = violates(sqlstate.uniqueViolation);
export const isForeignKeyViolation = violates(sqlstate.foreignKeyViolation);
export const isCheckViolation = violates(sqlstate.checkViolation);
export const isExclusionViolation = violates(sqlstate.exclusionViolation);

export const isLockTimeout = (error: unknown): boolean => hasCode(error, sqlstate.lockNotAvailable);

/**
 * The session does not have a prepared statement as its client remembers it: the statement's result type
 * changed with a migration, or a pooler changed the session. The statement fails on this connection for
 * good, so the connection has to be closed; nothing of the transaction took effect.
 */
export const isStaleStatement = (error: unknown): boolean =>
  hasCode(error, sqlstate.invalidStatementName, sqlstate.duplicatePreparedStatement) ||
  (hasCode(error, sqlstate.featureNotSupported) &&
    (error as Error).message.startsWith('cached plan must not change'));

/** Deadlock, serialization failure, stale statement: nothing took effect, and a new try may succeed. */
export const isRetryable = (error: unknown): boolean =>
  hasCode(error, sqlstate.deadlockDetected, sqlstate.serializationFailure) ||
  isStaleStatement(error);

/** Classes that depend on the state of the server, not on the statement. */
const stateClasses = new Set([
  '28', // invalid authorization: the login is refused, for instance while its password is rotated
  '3D', // invalid catalog name: the database does not exist
  '3F', // invalid schema name
  '53', // insufficient resources: disk, memory, connections
  '55', // object not in prerequisite state: the database accepts no connections, an object is in use
  '57', // operator intervention
  '58', // system error: I/O
  '72', // snapshot failure
  'F0', // configuration file error
  'XX', // internal error, corrupted data
]);

const stateCodes = new Set<string>([
  sqlstate.readOnlyTransaction, // a standby
  sqlstate.programLimitExceeded, // transaction ids are close to wraparound
  // The schema or the grants are not those of this version: not migrated yet, or restored without them.
  sqlstate.undefinedTable,
  sqlstate.undefinedColumn,
  sqlstate.undefinedFunction,
  sqlstate.undefinedObject,
  sqlstate.insufficientPrivilege,
]);

/** Errors of the driver while it connects. They have no code. */
const cannotConnect = /^SASL|does not support SSL connections|error response to SSL/i;

/** The server is unavailable for every statement. The statement had no effect. */
export const isDatabaseUnavailable = (error: unknown): boolean => {
  if (isConnectionLost(error) || isLockTimeout(error)) return false;
  const code = codeOf(error);
  if (code === undefined) return error instanceof Error && cannotConnect.test(error.message);
  return stateClasses.has(code.slice(0, 2)) || stateCodes.has(code) || isTlsCode(code);
};

const isTlsCode = (code: string): boolean =>
  /^ERR_(TLS|SSL)_|^CERT_|SELF_SIGNED_CERT|^UNABLE_TO_/.test(code);

const socketCodes = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
]);

/** PostgreSQL closes the connection after these. */
const closingCodes = new Set<string>([
  sqlstate.statementCompletionUnknown,
  sqlstate.idleInTransactionTimeout,
  sqlstate.transactionTimeout,
]);

const connectionLost =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|not queryable|Connection ended/i;

/** The connection is gone or could not be made: its last statement may or may not have taken effect. */
export const isConnectionLost = (error: unknown): boolean => {
  const code = codeOf(error);
  if (code === undefined) return error instanceof Error && connectionLost.test(error.message);
  return (
    code.startsWith('08') ||
    code.startsWith('57P') ||
    closingCodes.has(code) ||
    socketCodes.has(code)
  );
};
