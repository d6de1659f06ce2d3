/** What a preview found and what a commit came to, read from the free part of the contract into shapes that screens use. */
import { fromMinor, type Money } from '@/lib/money'

export interface FileFound {
  name: string
  layout: string
  layoutName: { en: string; 'zh-CN': string }
  format: string
  sheet: string
  headerRow: number
  columns: string[]
  unknownColumns: string[]
  missingColumns: string[]
  rows: number
  garbled: number
  mapping: Mapping | undefined
  proposed: boolean
}

/** Our field → their column, beside whatever else a mapping says. */
export interface Mapping extends Record<string, unknown> {
  columns: Record<string, string>
}

export interface BalanceRow {
  month: string
  country: string
  currency: string
  orders: number
  cancellations: number
  lines: number
  units: number
  total: Money
}

export interface ImportPreview {
  files: FileFound[]
  zone: string
  orders: number
  newOrders: number
  importedBefore: number
  knownByChannel: number
  live: number
  heldAsHistory: number
  oddRows: number
  oddCauses: [cause: string, count: number][]
  oddFirst: { file: string; row: number; cause: string }[]
  withoutTime: number
  masked: number
  balance: BalanceRow[]
  totals: BalanceRow[]
}

type Bag = Record<string, unknown>

const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const count = (value: unknown): number => (typeof value === 'number' ? value : 0)
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const texts = (value: unknown): string[] => list(value).filter((entry): entry is string => typeof entry === 'string')

export function mappingOf(value: unknown): Mapping | undefined {
  if (!isBag(value)) return undefined
  const columns = isBag(value.columns) ? value.columns : {}
  return { ...value, columns: Object.fromEntries(Object.entries(columns).filter((entry): entry is [string, string] => typeof entry[1] === 'string')) }
}

function fileOf(value: unknown): FileFound {
  const file = isBag(value) ? value : {}
  const names = list(file.layout_name)
  const layout = text(file.layout)
  return {
    name: text(file.name),
    layout,
    layoutName: { en: text(names[0]) || layout, 'zh-CN': text(names[1]) || layout },
    format: text(file.format),
    sheet: text(file.sheet),
    headerRow: count(file.header_row),
    columns: texts(file.columns),
    unknownColumns: texts(file.unknown_columns),
    missingColumns: texts(file.missing_columns),
    rows: count(file.rows),
    garbled: count(file.garbled_cells),
    mapping: mappingOf(file.mapping),
    proposed: file.proposed === true,
  }
}

function balanceOf(value: unknown): BalanceRow {
  const row = isBag(value) ? value : {}
  const currency = text(row.currency)
  return {
    month: text(row.month),
    country: text(row.country),
    currency,
    orders: count(row.orders),
    cancellations: count(row.cancellations),
    lines: count(row.lines),
    units: count(row.units),
    total: { amount: fromMinor(count(row.total_minor), currency), currency },
  }
}

export function previewOf(value: unknown): ImportPreview | undefined {
  if (!isBag(value) || !Array.isArray(value.files)) return undefined
  return {
    files: value.files.map(fileOf),
    zone: text(value.zone),
    orders: count(value.orders),
    newOrders: count(value.new_orders),
    importedBefore: count(value.imported_before),
    knownByChannel: count(value.known_by_channel),
    live: count(value.live),
    heldAsHistory: count(value.held_as_history),
    oddRows: count(value.odd_rows),
    oddCauses: Object.entries(isBag(value.odd_causes) ? value.odd_causes : {})
      .map(([cause, times]): [string, number] => [cause, count(times)])
      .sort((a, b) => b[1] - a[1]),
    oddFirst: list(value.odd_first).map((entry) => {
      const [file, row, cause] = list(entry)
      return { file: text(file), row: count(row), cause: text(cause) }
    }),
    withoutTime: count(value.without_time),
    masked: count(value.masked),
    balance: list(value.balance).map(balanceOf),
    totals: list(value.totals).map(balanceOf),
  }
}

/** Sums of a commit or a withdrawal: the words that have a number, in the order in which they are told. */
export function sumsOf(result: unknown): [word: string, value: number][] {
  return isBag(result) ? Object.entries(result).filter((entry): entry is [string, number] => typeof entry[1] === 'number') : []
}

/** A mapping with one field moved to another column, or left out. */
export function withColumn(mapping: Mapping, field: string, column: string | undefined): Mapping {
  const { [field]: _was, ...rest } = mapping.columns
  return { ...mapping, columns: column ? { ...rest, [field]: column } : rest }
}

/** What a mapping must name before it can be used. */
export function missingFields(mapping: Mapping): string[] {
  const named = (field: string) => Boolean(mapping.columns[field])
  return [...(named('order_id') ? [] : ['order_id']), ...(['title', 'seller_code', 'item_id'].some(named) ? [] : ['title'])]
}
