import { describe, expect, it } from 'vitest'
import { cellsOf, headerOf } from './header'
import { missingFields, previewOf, sumsOf, withColumn } from './preview'
import { formOf } from './queries'

const FILE = {
  name: 'orders.csv',
  layout: 'mapped',
  layout_name: ['Mapped file', '对应列的文件'],
  format: 'UTF-8',
  delimiter: ',',
  sheet: null,
  header_row: 1,
  columns: ['No', 'Goods', 'Qty'],
  unknown_columns: [],
  missing_columns: [],
  rows: 12,
  short_rows: 0,
  garbled_cells: 0,
  mapping: { columns: { order_id: 'No', title: 'Goods' }, signs: { negative_quantities: true } },
  proposed: true,
}

describe('what a preview found', () => {
  it('is read into what the screen shows, sums as money without a float', () => {
    const found = previewOf({
      files: [FILE],
      zone: 'Asia/Shanghai',
      orders: 3,
      odd_rows: 2,
      odd_causes: { bad_number: 2, no_order_id: 5 },
      odd_first: [['orders.csv', 7, 'quantity: "x" is no number']],
      totals: [{ month: '', country: '', currency: 'JPY', orders: 3, total_minor: 1200 }],
      balance: [{ month: '2026-01', country: 'GB', currency: 'GBP', orders: 3, cancellations: 1, lines: 4, units: 9, total_minor: -1205 }],
    })
    expect(found?.files[0]).toMatchObject({ layoutName: { en: 'Mapped file', 'zh-CN': '对应列的文件' }, proposed: true, sheet: '' })
    expect(found?.oddCauses[0]).toEqual(['no_order_id', 5])
    expect(found?.oddFirst).toEqual([{ file: 'orders.csv', row: 7, cause: 'quantity: "x" is no number' }])
    expect(found?.balance[0]?.total).toEqual({ amount: '-12.05', currency: 'GBP' })
    expect(found?.totals[0]?.total).toEqual({ amount: '1200', currency: 'JPY' })
  })
  it('is nothing when the import was never read', () => {
    expect(previewOf(null)).toBeUndefined()
    expect(previewOf({})).toBeUndefined()
    expect(sumsOf({ orders: 2, note: 'x' })).toEqual([['orders', 2]])
  })
})

describe('a mapping', () => {
  const mapping = previewOf({ files: [FILE] })?.files[0]?.mapping
  it('keeps what the form does not show', () => {
    if (!mapping) throw new Error('no mapping')
    expect(withColumn(mapping, 'quantity', 'Qty')).toEqual({
      columns: { order_id: 'No', title: 'Goods', quantity: 'Qty' },
      signs: { negative_quantities: true },
    })
    expect(withColumn(mapping, 'title', undefined).columns).toEqual({ order_id: 'No' })
  })
  it('says what it must still name', () => {
    expect(missingFields({ columns: {} })).toEqual(['order_id', 'title'])
    expect(missingFields({ columns: { order_id: 'No', seller_code: 'Goods' } })).toEqual([])
  })
})

describe('the header of a text file', () => {
  it('is the line with the most cells, whatever separates them', () => {
    expect(headerOf('\uFEFF订单导出\n单号;品名;数量\n1;x;2')).toEqual(['单号', '品名', '数量'])
    expect(headerOf('a\tb\n1\t2')).toEqual(['a', 'b'])
    expect(headerOf('one column')).toEqual([])
  })
  it('minds quotes', () => {
    expect(cellsOf('"a, b","say ""hi""",c', ',')).toEqual(['a, b', 'say "hi"', 'c'])
  })
})

describe('the form of an upload', () => {
  const files = [new File(['a,b'], 'a.csv'), new File(['c,d'], 'b.csv')]
  it('names the shop by its id or by a name, never by both', () => {
    const known = formOf({ files, shopId: '7', shopName: 'x', treatAs: 'history' })
    expect([known.get('shop_id'), known.has('shop'), known.getAll('file').length]).toEqual(['7', false, 2])
    const fresh = formOf({ files, shopName: ' 旧店 ', treatAs: 'by_status', currency: 'cny', zone: ' ', mapping: { columns: { order_id: 'No' } } })
    expect([fresh.get('shop'), fresh.get('currency'), fresh.has('zone'), fresh.get('mapping')]).toEqual(['旧店', 'CNY', false, '{"columns":{"order_id":"No"}}'])
  })
})
