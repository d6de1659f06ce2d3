import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Alert, Button, Drawer, Form, Input, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMay } from '@/api/session'
import { explain } from '@/api/problem'
import { warehousesQuery } from '@/api/shared'
import type { Actor, StockExplanation } from '@/api/types'
import { ErrorState, LoadingState } from '@/components/States'
import { formatNumber } from '@/lib/money'
import { showTally } from '@/lib/tallies'
import { formatLong, formatShort } from '@/lib/time'
import { explainQuery, move, type NewMovement } from './queries'

const KINDS: NewMovement['kind'][] = ['counted', 'adjusted', 'received', 'returned']
const signed = (value: number) => (value > 0 ? `+${value}` : String(value))
const whoOf = (actor: Actor) => (actor.by === 'user' ? actor.name : '')

function MoveForm({ stock }: { stock: StockExplanation['stock'] }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [form] = Form.useForm<Omit<NewMovement, 'sku'>>()
  const kind = Form.useWatch('kind', form) ?? 'counted'
  const moving = useMutation({
    mutationFn: (values: Omit<NewMovement, 'sku'>) => move({ ...values, note: values.note ?? '', sku: stock.sku_id }),
    onSuccess: async () => {
      form.resetFields(['quantity', 'note'])
      showTally({ title: t('stock.moved'), tone: 'good', fleeting: true })
      await client.invalidateQueries({ queryKey: ['stock'] })
    },
  })
  const told = moving.error ? explain(moving.error, t) : undefined
  // Every own warehouse, also those that have never had it: that is how a first count is booked.
  const warehouses = (useQuery(warehousesQuery).data?.items ?? []).filter((entry) => entry.kind !== 'channel')
  return (
    <Form
      form={form}
      layout="vertical"
      className="move-form"
      initialValues={{ kind: 'counted', warehouse_id: stock.levels[0]?.warehouse.id }}
      onFinish={(values) => moving.mutate(values)}
    >
      <Form.Item name="kind" label={t('stock.kind')}>
        <Select options={KINDS.map((value) => ({ value, label: t(`movement.${value}`) }))} />
      </Form.Item>
      <Form.Item name="warehouse_id" label={t('orders.filter_warehouse')} rules={[{ required: true, message: t('common.required') }]}>
        <Select options={warehouses.map((entry) => ({ value: entry.id, label: entry.name }))} />
      </Form.Item>
      <Form.Item
        name="quantity"
        label={kind === 'counted' ? t('stock.counted_quantity') : t('stock.change_quantity')}
        rules={[{ required: true, message: t('common.required') }]}
      >
        <InputNumber precision={0} min={kind === 'adjusted' ? undefined : 0} />
      </Form.Item>
      <Form.Item name="note" label={t('stock.note')} rules={[{ required: kind === 'adjusted', message: t('stock.note_needed') }]}>
        <Input maxLength={200} />
      </Form.Item>
      <Button type="primary" htmlType="submit" loading={moving.isPending}>
        {t('stock.book')}
      </Button>
      {told && <Alert type="error" showIcon title={told.title} description={told.detail} role="alert" />}
    </Form>
  )
}

/** Why a number is what it is: on hand is the sum of its movements, reserved the sum of what is promised. */
export function ExplainDrawer({ sku, onClose }: { sku: string; onClose: () => void }) {
  const { t, i18n } = useTranslation()
  const locale = i18n.language
  const { data, error, isPending, refetch } = useQuery(explainQuery(sku))
  const may = useMay('stock.write')
  return (
    <Drawer open size={720} onClose={onClose} title={data ? `${data.stock.sku_code} · ${data.stock.name}` : t('places.stock')}>
      {isPending ? (
        <LoadingState />
      ) : error || !data ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : (
        <div className="stack explain" data-testid="explain">
          <div className="table-wrap">
            <table className="plain">
              <thead>
                <tr>
                  <th>{t('orders.filter_warehouse')}</th>
                  <th>{t('stock.bin')}</th>
                  <th className="num">{t('stock.on_hand')}</th>
                  <th className="num">− {t('stock.reserved')}</th>
                  <th className="num">− {t('stock.safety')}</th>
                  <th className="num">= {t('stock.available')}</th>
                  <th className="num">{t('stock.inbound')}</th>
                </tr>
              </thead>
              <tbody>
                {data.stock.levels.map((level) => (
                  <tr key={`${level.warehouse.id} ${level.condition}`}>
                    <td>
                      {level.warehouse.name} {level.condition !== 'good' && <span className="ink-warn">{t(`condition.${level.condition}`)}</span>}
                    </td>
                    <td>{level.bin || '—'}</td>
                    <td className="num">{formatNumber(level.on_hand, locale)}</td>
                    <td className="num">{formatNumber(level.reserved, locale)}</td>
                    <td className="num">{formatNumber(level.safety, locale)}</td>
                    <td className="num">
                      <b>{formatNumber(level.available, locale)}</b>
                    </td>
                    <td className="num muted">{formatNumber(level.inbound, locale)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            {data.stock.levels.length === 0 && <p className="muted">{t('stock.no_levels')}</p>}
          </div>

          {may && (
            <section>
              <h3>{t('stock.change')}</h3>
              <MoveForm stock={data.stock} />
            </section>
          )}

          <section>
            <h3>{t('stock.why_on_hand')}</h3>
            <table className="plain">
              <tbody>
                {data.sums.map((sum) => (
                  <tr key={`${sum.warehouse.id} ${sum.kind}`}>
                    <td>{sum.warehouse.name}</td>
                    <td>{t(`movement.${sum.kind}`, { defaultValue: sum.kind })}</td>
                    <td className="num muted">{t('stock.entries', { count: sum.count })}</td>
                    <td className="num">{signed(sum.on_hand)}</td>
                    <td className="num muted">{sum.reserved === 0 ? '' : t('stock.reserved_delta', { delta: signed(sum.reserved) })}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>

          <section>
            <h3>{t('stock.why_reserved', { count: data.reservations.length })}</h3>
            <table className="plain">
              <tbody>
                {data.reservations.map((reservation) => (
                  <tr key={`${reservation.order_id} ${reservation.warehouse.id}`}>
                    <td>
                      <Link to="/orders" search={{ order: reservation.order_id }}>
                        {reservation.external_id}
                      </Link>
                    </td>
                    <td>{reservation.warehouse.name}</td>
                    <td className="num">{reservation.quantity}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>

          <section>
            <h3>{t('stock.movements')}</h3>
            <div className="table-wrap">
              <table className="plain">
                <thead>
                  <tr>
                    <th>{t('stock.at')}</th>
                    <th>{t('stock.kind')}</th>
                    <th>{t('orders.filter_warehouse')}</th>
                    <th className="num">{t('stock.on_hand')}</th>
                    <th className="num">{t('stock.reserved')}</th>
                    <th>{t('stock.note')}</th>
                  </tr>
                </thead>
                <tbody>
                  {data.movements.map((movement) => (
                    <tr key={movement.id}>
                      <td title={formatLong(movement.at, locale)}>{formatShort(movement.at, locale)}</td>
                      <td>{t(`movement.${movement.kind}`, { defaultValue: movement.kind })}</td>
                      <td>{movement.warehouse.name}</td>
                      <td className="num">
                        {movement.on_hand_delta === 0 ? '' : signed(movement.on_hand_delta)} <span className="muted">→ {movement.on_hand_after}</span>
                      </td>
                      <td className="num">
                        {movement.reserved_delta === 0 ? '' : signed(movement.reserved_delta)} <span className="muted">→ {movement.reserved_after}</span>
                      </td>
                      <td>
                        {movement.note} <span className="muted">{whoOf(movement.actor)}</span>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {data.movements.length === 0 && <p className="muted">{t('stock.no_movements')}</p>}
            </div>
          </section>
        </div>
      )}
    </Drawer>
  )
}
