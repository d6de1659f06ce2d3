/** RFC 9457 problems as errors that a screen can show in the reader's language. */
import type { TFunction } from 'i18next'

export interface FieldProblem {
  field: string
  code?: string
  detail?: string
}

export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly fields: FieldProblem[] = [],
    /** Further members of the problem, such as the current version of a conflict. */
    readonly more: Record<string, unknown> = {},
  ) {
    super(detail || code)
    this.name = 'ApiProblem'
  }
}

/** The server was not reached: a cable, a restart, a laptop that woke up. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('unreachable', { cause })
    this.name = 'Unreachable'
  }
}

function fieldsOf(value: unknown): FieldProblem[] {
  if (Array.isArray(value)) {
    return value.flatMap((entry) => {
      if (typeof entry !== 'object' || entry === null) return []
      const { field, name, path, code, detail, message } = entry as Record<string, unknown>
      const key = field ?? name ?? path
      const text = detail ?? message
      return typeof key === 'string'
        ? [{ field: key, code: typeof code === 'string' ? code : undefined, detail: typeof text === 'string' ? text : undefined }]
        : []
    })
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).map(([field, detail]) => ({
      field,
      detail: Array.isArray(detail) ? detail.join(' ') : String(detail),
    }))
  }
  return []
}

/** Reads whatever a failed answer carries; a proxy's page of HTML becomes a plain problem too. */
export function problemOf(status: number, body: unknown): ApiProblem {
  if (typeof body === 'object' && body !== null) {
    const { code, title, detail, fields, ...more } = body as Record<string, unknown>
    return new ApiProblem(
      status,
      typeof code === 'string' ? code : `http_${status}`,
      typeof detail === 'string' ? detail : typeof title === 'string' ? title : '',
      fieldsOf(fields),
      more,
    )
  }
  return new ApiProblem(status, `http_${status}`, '')
}

/** Problems whose detail names the field, or quotes what another party said. */
const TELLING = new Set(['invalid', 'malformed', 'vendor_refused', 'vendor_failed', 'throttled', 'reauthorize'])

/** What happened and what to do, in the reader's language; the server's own words stay beside it. */
export function explain(error: unknown, t: TFunction): { title: string; detail: string } {
  if (error instanceof Unreachable) return { title: t('errors.unreachable'), detail: t('errors.unreachable_do') }
  if (error instanceof ApiProblem) {
    const known = t(`errors.${error.code}`, { defaultValue: t(`refusal.${error.code}`, { defaultValue: '' }) })
    const byStatus = t(`errors.http_${error.status}`, { defaultValue: t('errors.unknown') })
    const fields = error.fields.map((entry) => `${entry.field}: ${entry.detail ?? entry.code ?? ''}`).join('; ')
    // What the code says is said in the reader's language; the server's own words stay where they tell more than it.
    const telling = !known || TELLING.has(error.code)
    return { title: known || byStatus, detail: [telling ? (fields ? '' : error.detail) : '', fields].filter(Boolean).join(' · ') }
  }
  return { title: t('errors.unknown'), detail: error instanceof Error ? error.message : String(error) }
}
