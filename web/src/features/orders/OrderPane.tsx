import { ArrowLeftOutlined, CloseOutlined, EyeOutlined, MoreOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Button, Dropdown, Tooltip } from 'antd'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { explain } from '@/api/problem'
import type { OrderDetail, OrderLine, Recipient } from '@/api/types'
import { Chip } from '@/components/Chip'
import { Picture } from '@/components/Picture'
import { ErrorState, LoadingState } from '@/components/States'
import { keyLabel } from '@/lib/keys'
import { formatMoney } from '@/lib/money'
import { formatLong, formatShort } from '@/lib/time'
import { showTally } from '@/lib/tallies'
import { LinkButton } from './LinkButton'
import { ORDER_ACTIONS } from './actions'
import { holdTone, phaseTone, TimeLeft } from './columns'
import { likelyFixes, type LikelyFix } from './fixes'
import { openRecipient, orderQuery } from './queries'
import { actorWords, eventWords, sentence, whyHeld } from './words'
import { regionOf } from '@/lib/region'

const confirmationTone = (state: string) => (state === 'refused' || state === 'gave_up' ? 'bad' : state === 'accepted' || state === 'already' ? 'good' : 'idle')

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="pane-section">
      <h3>{title}</h3>
      {children}
    </section>
  )
}

/** Masked until it is opened on purpose; the opening is logged. */
function RecipientView({ order }: { order: OrderDetail }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState<Recipient>()
  const [busy, setBusy] = useState(false)
  const show = async () => {
    setBusy(true)
    try {
      setOpen(await openRecipient(order.id))
    } catch (error) {
      const { title, detail } = explain(error, t)
      showTally({ title, detail, tone: 'bad' })
    } finally {
      setBusy(false)
    }
  }
  return (
    <Section title={t('orders.recipient')}>
      {open ? (
        <p className="recipient-open">
          <b>{open.name}</b> {open.phone}
          <br />
          {open.region} {open.address}
          {open.token_only && <span className="muted"> · {t('orders.recipient_token')}</span>}
        </p>
      ) : (
        <p className="recipient-masked">
          <span>
            <b>{order.recipient.name || t('orders.recipient_none')}</b> {order.recipient.phone}
            <br />
            {regionOf(order.recipient)}
          </span>
          {order.recipient.name && (
            <Tooltip title={t('orders.recipient_logged')}>
              <Button size="small" icon={<EyeOutlined />} loading={busy} onClick={() => void show()} data-testid="open-recipient">
                {t('orders.recipient_open')}
              </Button>
            </Tooltip>
          )}
        </p>
      )}
    </Section>
  )
}

function LineView({ line, locale }: { line: OrderLine; locale: string }) {
  const { t } = useTranslation()
  const left = line.ordered - line.cancelled
  const waiting = left - line.allocated
  const missing = Math.max(0, ...line.items.map((item) => waiting - Math.floor(item.available / Math.max(1, item.per_unit))))
  return (
    <li className="line">
      <Picture url={line.image_url} name={line.title} size={40} />
      <div className="line-text">
        <div className="line-title">{line.title}</div>
        <div className="muted">
          {line.variant} {line.items.length > 0 ? line.items.map((item) => item.sku_code + (item.per_unit > 1 ? ` ×${item.per_unit}` : '')).join(' + ') : line.seller_code}
        </div>
        <div className="line-chips">
          {line.items.length === 0 && (
            <>
              <Chip tone="warn">{t('orders.line_unmapped')}</Chip> <LinkButton listing={line.listing_id} sellerCode={line.seller_code} />
            </>
          )}
          {line.gift && <Chip tone="info">{t('orders.line_gift')}</Chip>}
          {line.cancelled > 0 && <Chip tone="bad">{t('orders.line_cancelled', { count: line.cancelled })}</Chip>}
          {line.refund !== 'none' && <Chip tone="bad">{t(`refund.${line.refund}`)}</Chip>}
          {missing > 0 && <Chip tone="bad">{t('orders.line_short', { count: missing })}</Chip>}
          {line.shipped > 0 ? (
            <Chip tone="good">{t('orders.line_shipped', { count: line.shipped })}</Chip>
          ) : line.packed > 0 ? (
            <Chip tone="info">{t('orders.line_packed', { count: line.packed })}</Chip>
          ) : line.allocated > 0 ? (
            <Chip tone="info">{t('orders.line_allocated', { count: line.allocated })}</Chip>
          ) : null}
        </div>
      </div>
      <div className="num">
        <b>×{line.ordered}</b>
        <div className="muted">{formatMoney(line.total, locale)}</div>
      </div>
    </li>
  )
}

interface Props {
  id: string
  asPage: boolean
  onClose: () => void
  onFix: (fix: LikelyFix) => void
  onAct: (name: string) => void
  busy: boolean
}

export function OrderPane({ id, asPage, onClose, onFix, onAct, busy }: Props) {
  const { t, i18n } = useTranslation()
  const locale = i18n.language
  const { data: order, error, refetch, isPending } = useQuery(orderQuery(id))

  if (isPending) return <LoadingState />
  if (error || !order) return <ErrorState error={error} retry={() => void refetch()} />

  const holds = order.hold_history.filter((hold) => !hold.released_at)
  // The note stands in the reason already when it is what holds the order.
  const noteTold = holds.some((hold) => hold.reason === 'buyer_note')
  const fixes = likelyFixes(order)
  // A hold says what its own finding saw; the rest stands below.
  const findings = order.findings.filter((finding) => finding.severity !== 'info' && !holds.some((hold) => hold.reason === finding.code))
  return (
    <article className="pane" aria-label={order.external_id} data-testid="pane">
      <header className="pane-head">
        {asPage && <Button type="text" icon={<ArrowLeftOutlined />} aria-label={t('common.back')} onClick={onClose} />}
        <div className="grow">
          <h2 className="order-number">{order.external_id}</h2>
          <p className="muted">
            {order.buyer_nick} · {order.shop.name}
          </p>
        </div>
        <div className="num">
          <b className="pane-total">{formatMoney(order.total, locale)}</b>
          <div>
            <TimeLeft shipBy={order.ship_by} phase={order.phase} />
          </div>
        </div>
        <Dropdown
          trigger={['click']}
          placement="bottomRight"
          menu={{
            items: ORDER_ACTIONS.filter((action) => !action.several).map((action) => ({
              key: action.name,
              danger: action.danger,
              disabled: busy,
              label: t(`action.${action.name}`),
              extra: <kbd>{keyLabel('orders', action.key)}</kbd>,
              onClick: () => onAct(action.name),
            })),
          }}
        >
          <Button type="text" size={asPage ? 'middle' : 'small'} icon={<MoreOutlined />} aria-label={t('shops.actions')} data-testid="pane-actions" />
        </Dropdown>
        {!asPage && <Button type="text" size="small" icon={<CloseOutlined />} aria-label={t('common.close')} onClick={onClose} />}
      </header>

      <section className={`why why-${phaseTone(order.phase)}`}>
        <p>
          <Chip tone={phaseTone(order.phase)}>{t(`phase.${order.phase}`)}</Chip> {t(`waits.${order.phase}`)}
        </p>
        {holds.map((hold) => (
          <p key={hold.id}>
            <Chip tone={holdTone(hold.reason)}>{t(`hold.${hold.reason}`, { defaultValue: hold.reason })}</Chip>{' '}
            {whyHeld(order, hold, t, locale)}
            <span className="muted"> · {[actorWords(hold.placed_by, t), formatShort(hold.placed_at, locale)].filter(Boolean).join(' ')}</span>
          </p>
        ))}
        {findings.length > 0 && (
          <ul className="findings">
            {findings.map((finding, index) => (
              <li key={`${finding.code} ${index}`} className={finding.severity === 'block' ? 'ink-bad' : finding.severity === 'warn' ? 'ink-warn' : 'muted'}>
                {sentence('finding', finding.code, finding.params, t, locale)}
              </li>
            ))}
          </ul>
        )}
        {fixes.length > 0 && (
          <ol className="fixes">
            {fixes.map((fix, index) => (
              <li key={fix.code}>
                <Button block size="small" disabled={busy} onClick={() => onFix(fix)} data-testid={`fix-${index + 1}`}>
                  <kbd>{index + 1}</kbd> <span>{sentence('fix', fix.code, fix.params, t, locale)}</span>
                </Button>
              </li>
            ))}
          </ol>
        )}
      </section>

      {((order.buyer_note && !noteTold) || order.seller_note) && (
        <Section title={t('orders.notes')}>
          {order.buyer_note && !noteTold && (
            <p>
              <span className="muted">{t('orders.buyer_note')}</span> {order.buyer_note}
            </p>
          )}
          {order.seller_note && (
            <p>
              <span className="muted">{t('orders.seller_note')}</span> {order.seller_note}
            </p>
          )}
        </Section>
      )}

      <Section title={t('orders.lines', { count: order.items.length })}>
        <ul>
          {order.items.map((line) => (
            <LineView key={line.id} line={line} locale={locale} />
          ))}
        </ul>
      </Section>

      <RecipientView key={order.id} order={order} />

      {(order.fulfillments.length > 0 || order.shipments.length > 0) && (
        <Section title={t('orders.parcels')}>
          {order.fulfillments.map((fulfillment) => (
            <p key={fulfillment.id}>
              <b>{fulfillment.warehouse.name}</b> <Chip>{t(`state.${fulfillment.fulfillment_state}`, { defaultValue: fulfillment.fulfillment_state })}</Chip>
            </p>
          ))}
          {order.shipments.map((shipment) => (
            <p key={shipment.id}>
              <b>{shipment.carrier || t('orders.no_carrier')}</b> {shipment.waybill_number}{' '}
              <Chip tone={shipment.waybill_state === 'in_doubt' || shipment.waybill_state === 'failed' ? 'bad' : 'info'}>
                {t(`waybill.${shipment.waybill_state ?? 'none'}`, { defaultValue: shipment.waybill_state ?? '' })}
              </Chip>{' '}
              <Chip>{t(`state.${shipment.shipment_state}`, { defaultValue: shipment.shipment_state })}</Chip>
              {shipment.confirmation && (
                <Chip tone={confirmationTone(shipment.confirmation.confirmation_state)} title={shipment.confirmation.message}>
                  {t(`confirmation.${shipment.confirmation.confirmation_state}`, { defaultValue: shipment.confirmation.confirmation_state })}
                </Chip>
              )}
            </p>
          ))}
        </Section>
      )}

      <Section title={t('orders.timeline')}>
        <ol className="timeline">
          {order.timeline.map((event, index) => (
            <li key={`${event.at} ${index}`}>
              <time dateTime={event.at} title={formatLong(event.at, locale)}>
                {formatShort(event.at, locale)}
              </time>
              <span>
                {eventWords(event, t, locale)} <span className="muted">{actorWords(event.actor, t)}</span>
              </span>
            </li>
          ))}
        </ol>
      </Section>
    </article>
  )
}
