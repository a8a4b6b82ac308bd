import type { AnswerCheck, ApiAnswer } from '@movie-ticketing/kit/testing/api';
import type { OpenApiDocument, OpenApiOperation } from '@movie-ticketing/kit/openapi';
import { Ajv2020, type ValidateFunction as AjvValidate } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

export type OpenApiCheck = {
  /** Throws where an answer is not as the document promises. */
  check: AnswerCheck;
  /** What was answered so far: `GET /movies/{id} 404`. */
  exercised: () => ReadonlySet<string>;
  /** What the document promises as a good answer and nothing has exercised. */
  missing: () => string[];
};

type ValidateFunction = AjvValidate<any>;

type Promised = {
  headers?: Record<string, unknown>;
  content?: Record<string, unknown>;
};

type Found = { template: string; operations: Record<string, OpenApiOperation> };

/** Validates answers against the OpenAPI document: status, headers, content type and body. */
export const makeOpenApiCheck = (document: OpenApiDocument): OpenApiCheck => {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
  formats.default(ajv);
  // The document is no schema itself: it is where the schemas are.
  ajv.addVocabulary(Object.keys(document));
  ajv.addSchema(document, 'openapi', undefined, false);
  const validators = new Map<string, ValidateFunction>();
  const exercised = new Set<string>();

  const validatorAt = (pointer: string): ValidateFunction => {
    const known = validators.get(pointer) ?? ajv.compile({ $ref: `openapi#${pointer}` });
    validators.set(pointer, known);
    return known;
  };

  const check: AnswerCheck = (method, path, answer) => {
    const target = path.replace(/[?#].*$/, '');
    const complain = (what: string): never => {
      throw new Error(
        `${method} ${path} answered ${String(answer.status)}, which the OpenAPI document does not promise: ${what}\n${JSON.stringify(answer.body, null, 2)}`,
      );
    };
    if (answer.headers.get('x-request-id') === null) complain('it has no X-Request-Id');
    if (target.startsWith('/docs') || method === 'OPTIONS') return;
    const found = findPath(document, target);
    if (found === undefined) {
      // Before the path is looked at: a request that is no HTTP, or a path that cannot be decoded.
      if (![404, 400].includes(answer.status)) complain('the path does not exist');
      checkProblem(answer, validatorAt('/components/schemas/Problem'), complain);
      return;
    }
    const operation = found.operations[method === 'HEAD' ? 'get' : method.toLowerCase()];
    if (operation === undefined) {
      if (answer.status !== 405) complain('the path does not have this method');
      if (answer.headers.get('allow') === null) complain('it has no Allow');
      checkProblem(answer, validatorAt('/components/schemas/Problem'), complain);
      return;
    }
    const name = `${method} ${found.template} ${String(answer.status)}`;
    exercised.add(name);
    const key = statusKey(operation, answer.status);
    if (key === undefined) return complain('this status is not documented');
    const at = `/paths/${escape(found.template)}/${method === 'HEAD' ? 'get' : method.toLowerCase()}/responses/${key}`;
    checkAnswer({ document, method, answer, at, validatorAt, complain });
  };

  return {
    check,
    exercised: () => exercised,
    missing: () => goodAnswers(document).filter((name) => !exercised.has(name)),
  };
};

type AnswerToCheck = {
  document: OpenApiDocument;
  method: string;
  answer: ApiAnswer;
  /** JSON pointer of the promised response, or of the reference to it. */
  at: string;
  validatorAt: (pointer: string) => ValidateFunction;
  complain: (what: string) => never;
};

const checkAnswer = ({ document, method, answer, at, validatorAt, complain }: AnswerToCheck) => {
  const { pointer, value: promised } = follow(document, at);
  for (const header of Object.keys(promised.headers ?? {})) {
    if (isAlwaysThere(header, answer) && answer.headers.get(header) === null) {
      complain(`it has no ${header}`);
    }
  }
  const contentType = answer.headers.get('content-type')?.split(';', 1)[0];
  if (promised.content === undefined) {
    if (answer.body !== '') complain('it has a body');
    return;
  }
  if (contentType === undefined || promised.content[contentType] === undefined) {
    return complain(`its content type is ${String(contentType)}`);
  }
  if (method === 'HEAD') return;
  const validate = validatorAt(`${pointer}/content/${escape(contentType)}/schema`);
  if (contentType === 'application/problem+json') checkProblem(answer, validate, complain);
  else if (!validate(answer.body)) complain(JSON.stringify(validate.errors, null, 2));
};

const checkProblem = (
  { body, headers, status }: ApiAnswer,
  validate: ValidateFunction,
  complain: (what: string) => never,
): void => {
  if (body === '') return; // HEAD
  if (!validate(body)) complain(JSON.stringify(validate.errors, null, 2));
  if (body.status !== status) complain('the problem names another status');
  // A declined payment is a settled answer: stored and replayed as it is, it names the payment.
  const named = status === 402 ? /^urn:request:payment-\d+$/ : undefined;
  const own = `urn:request:${String(headers.get('x-request-id'))}`;
  if (body.instance !== own && named?.test(body.instance) !== true) {
    complain('the problem names another request');
  }
};

const findPath = (document: OpenApiDocument, target: string): Found | undefined => {
  const given = target.split('/');
  const matching = Object.entries(document.paths).filter(([template]) => {
    const parts = template.split('/');
    return (
      parts.length === given.length &&
      parts.every((part, index) =>
        part.startsWith('{') ? given[index] !== '' : part === given[index],
      )
    );
  });
  // The concrete path wins over the templated one, as the OpenAPI specification says.
  matching.sort(([a], [b]) => a.split('{').length - b.split('{').length);
  const [first] = matching;
  return first === undefined ? undefined : { template: first[0], operations: first[1] };
};

const statusKey = (operation: OpenApiOperation, status: number): string | undefined => {
  if (operation.responses[String(status)] !== undefined) return String(status);
  // `default` is for refusals: a good answer must be promised by its own status.
  return status >= 400 && operation.responses['default'] !== undefined ? 'default' : undefined;
};

const escape = (segment: string): string => segment.replaceAll('~', '~0').replaceAll('/', '~1');

const follow = (
  document: OpenApiDocument,
  pointer: string,
): { pointer: string; value: Promised } => {
  const value = pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<any>((inner, segment) => inner[segment], document);
  if (typeof value.$ref === 'string') return follow(document, value.$ref.slice(1));
  return { pointer, value };
};

const isAlwaysThere = (header: string, { status }: ApiAnswer): boolean => {
  switch (header) {
    case 'Idempotent-Replayed':
      return false;
    case 'Retry-After':
      return status === 429 || status === 503;
    default:
      return true;
  }
};

const goodAnswers = (document: OpenApiDocument): string[] =>
  Object.entries(document.paths).flatMap(([template, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) =>
      Object.keys(operation.responses)
        .filter((status) => status.startsWith('2'))
        .map((status) => `${method.toUpperCase()} ${template} ${status}`),
    ),
  );
