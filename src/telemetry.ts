/**
 * Spans, metrics and log lines, by allow-list: only the fields of {@link OperationFields} can leave
 * the process, so that no row, partition value or secret ever does.
 *
 * The host owns the OpenTelemetry SDK; without one, everything here is a no-op.
 */
import { metrics, SpanKind, SpanStatusCode, trace, type Attributes, type Span } from '@opentelemetry/api'
import { FloebergError } from './errors.ts'

/** What may be told about an operation. */
export interface OperationFields {
  /** Dotted identifier of the table, or of the namespace, that the operation is about. */
  readonly table?: string | undefined
  readonly namespace?: string | undefined
  /** Span only: unbounded as a metric attribute. */
  readonly snapshotId?: bigint | null | undefined
  readonly attempts?: number | undefined
  readonly rows?: number | undefined
  readonly files?: number | undefined
  readonly bytes?: number | undefined
}

/** The part of a pino logger that is used; any logger of that shape will do. */
export interface Logger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Lets the running operation add what it learned on the way. */
export interface OperationScope {
  record(fields: OperationFields): void
}

export interface Telemetry {
  /** Runs `body` in a span, times it, and logs one line when it ends. */
  operation<T>(name: string, fields: OperationFields, body: (scope: OperationScope) => Promise<T>): Promise<T>
  /** As `operation`, for what is consumed later: the span ends with the stream. */
  stream<T>(
    name: string,
    fields: OperationFields,
    open: (scope: OperationScope) => AsyncIterable<T>,
  ): AsyncIterable<T>
}

const SCOPE = 'floeberg'

/** Telemetry over the global OpenTelemetry providers and an optional logger. */
export function createTelemetry(logger?: Logger): Telemetry {
  const tracer = trace.getTracer(SCOPE)
  const duration = metrics.getMeter(SCOPE).createHistogram('iceberg.operation.duration', {
    description: 'Duration of floeberg operations',
    unit: 'ms',
  })

  function begin(name: string, fields: OperationFields): RunningOperation {
    const span = tracer.startSpan(`floeberg.${name}`, {
      kind: SpanKind.INTERNAL,
      attributes: spanAttributes(fields),
    })
    return new RunningOperation(
      name,
      span,
      fields,
      (milliseconds, attributes) => duration.record(milliseconds, attributes),
      logger,
    )
  }

  return {
    async operation(name, fields, body) {
      const running = begin(name, fields)
      try {
        const result = await body(running)
        running.end()
        return result
      } catch (error) {
        running.end(error)
        throw error
      }
    },
    async *stream(name, fields, open) {
      const running = begin(name, fields)
      let failure: unknown
      try {
        yield* open(running)
      } catch (error) {
        failure = error
        throw error
      } finally {
        // Also reached when the consumer leaves early: the span must not stay open.
        running.end(failure)
      }
    },
  }
}

type RecordDuration = (milliseconds: number, attributes: Attributes) => void

class RunningOperation implements OperationScope {
  readonly #name: string
  readonly #span: Span
  readonly #started = performance.now()
  readonly #recordDuration: RecordDuration
  readonly #logger: Logger | undefined
  #fields: OperationFields

  constructor(
    name: string,
    span: Span,
    fields: OperationFields,
    recordDuration: RecordDuration,
    logger: Logger | undefined,
  ) {
    this.#name = name
    this.#span = span
    this.#fields = fields
    this.#recordDuration = recordDuration
    this.#logger = logger
  }

  record(fields: OperationFields): void {
    this.#fields = { ...this.#fields, ...fields }
    this.#span.setAttributes(spanAttributes(fields))
  }

  end(error?: unknown): void {
    const milliseconds = performance.now() - this.#started
    const outcome = error === undefined ? 'ok' : 'error'
    const errorType = error === undefined ? undefined : errorCode(error)
    this.#span.setAttribute('floeberg.outcome', outcome)
    if (errorType !== undefined) {
      this.#span.setAttribute('error.type', errorType)
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: errorType })
    } else {
      this.#span.setStatus({ code: SpanStatusCode.OK })
    }
    this.#span.end()
    this.#recordDuration(milliseconds, metricAttributes(this.#name, this.#fields, outcome, errorType))
    this.#log(milliseconds, outcome, errorType)
  }

  #log(milliseconds: number, outcome: string, errorType: string | undefined): void {
    if (this.#logger === undefined) return
    const line = {
      operation: this.#name,
      ...logFields(this.#fields),
      outcome,
      durationMs: Math.round(milliseconds),
    }
    if (errorType === undefined) this.#logger.info(line, this.#name)
    else this.#logger.error({ ...line, error: errorType }, this.#name)
  }
}

/** A typed error's code, or the class name of anything else: never a message, which may quote data. */
function errorCode(error: unknown): string {
  if (error instanceof FloebergError) return error.code
  return error instanceof Error ? error.constructor.name : 'unknown'
}

function spanAttributes(fields: OperationFields): Attributes {
  const attributes: Attributes = {}
  if (fields.table !== undefined) attributes['iceberg.table'] = fields.table
  if (fields.namespace !== undefined) attributes['iceberg.namespace'] = fields.namespace
  if (fields.snapshotId !== undefined && fields.snapshotId !== null) {
    attributes['iceberg.snapshot.id'] = fields.snapshotId.toString()
  }
  if (fields.attempts !== undefined) attributes['iceberg.commit.attempts'] = fields.attempts
  if (fields.rows !== undefined) attributes['floeberg.rows'] = fields.rows
  if (fields.files !== undefined) attributes['floeberg.files'] = fields.files
  if (fields.bytes !== undefined) attributes['floeberg.bytes'] = fields.bytes
  return attributes
}

function metricAttributes(
  name: string,
  fields: OperationFields,
  outcome: string,
  errorType: string | undefined,
): Attributes {
  const attributes: Attributes = { 'floeberg.operation': name, 'floeberg.outcome': outcome }
  if (fields.table !== undefined) attributes['iceberg.table'] = fields.table
  if (errorType !== undefined) attributes['error.type'] = errorType
  return attributes
}

/** Key by key: whatever else a caller's object holds stays in the process. */
function logFields(fields: OperationFields): object {
  const { table, namespace, snapshotId, attempts, rows, files, bytes } = fields
  const id = snapshotId === null ? undefined : snapshotId?.toString()
  const allowed = { table, namespace, snapshotId: id, attempts, rows, files, bytes }
  return Object.fromEntries(Object.entries(allowed).filter(([, value]) => value !== undefined))
}
