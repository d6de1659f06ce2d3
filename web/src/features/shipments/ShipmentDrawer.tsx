import { FilePdfOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button, Drawer } from 'antd'
import { useTranslation } from 'react-i18next'
import { Chip } from '@/components/Chip'
import { Picture } from '@/components/Picture'
import { ErrorState, LoadingState } from '@/components/States'
import { regionOf } from '@/lib/region'
import { stopWords } from '@/lib/outcome'
import { formatLong } from '@/lib/time'
import { shipmentTone, Waybill } from './columns'
import { shipmentQuery } from './queries'

/** One parcel: what is in it, whose it is, what the channel was told, where it is. */
export function ShipmentDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const { t, i18n } = useTranslation()
  const locale = i18n.language
  const { data: shipment, error, isPending, refetch } = useQuery(shipmentQuery(id))
  return (
    <Drawer open size={560} onClose={onClose} title={shipment?.waybill_number ?? t('places.shipments')}>
      {isPending ? (
        <LoadingState />
      ) : error || !shipment ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : (
        <div className="stack">
          <p>
            <Waybill shipment={shipment} /> <Chip tone={shipmentTone(shipment.shipment_state)}>{t(`state.${shipment.shipment_state}`, { defaultValue: shipment.shipment_state })}</Chip>{' '}
            {shipment.carrier} {shipment.service} · {shipment.warehouse.name} · {shipment.measured_grams ?? shipment.weight_grams} g
          </p>
          {shipment.stop_reason && <p className="ink-bad strong">{stopWords(shipment.stop_reason, t)}</p>}
          {shipment.waybill_message && <p className="ink-bad">{shipment.waybill_message}</p>}
          <p>
            {shipment.recipient.name} {shipment.recipient.phone} {regionOf(shipment.recipient)}
          </p>
          {shipment.waybill_number && (
            <Button icon={<FilePdfOutlined />} href={`/api/v1/shipments/${shipment.id}/label`} target="_blank">
              {t('shipments.see_label')}
            </Button>
          )}
          <section>
            <h3>{t('shipments.orders')}</h3>
            <table className="plain">
              <tbody>
                {shipment.orders.map((order) => (
                  <tr key={order.id}>
                    <td>
                      <Link to="/orders" search={{ order: order.id }}>
                        {order.external_id}
                      </Link>
                    </td>
                    <td>{order.shop.name}</td>
                    <td>
                      {order.confirmation && (
                        <span title={order.confirmation.message}>
                          {t(`confirmation.${order.confirmation.confirmation_state}`, { defaultValue: order.confirmation.confirmation_state })}{' '}
                          <span className="ink-bad">{order.confirmation.message}</span>
                        </span>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
          <section>
            <h3>{t('shipments.items')}</h3>
            <table className="plain">
              <tbody>
                {shipment.items.map((item) => (
                  <tr key={item.sku_id}>
                    <td>
                      <Picture url={item.image_url} name={item.name} size={32} />
                    </td>
                    <td>
                      <b>{item.sku_code}</b> {item.name}
                    </td>
                    <td>{item.bin}</td>
                    <td className="num">
                      {item.scanned} / {item.quantity}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
          <section>
            <h3>{t('shipments.when')}</h3>
            <table className="plain">
              <tbody>
                {(['created_at', 'printed_at', 'packed_at', 'handed_over_at', 'delivered_at'] as const).map((key) => (
                  <tr key={key}>
                    <td>{t(`shipments.${key}`)}</td>
                    <td>{formatLong(shipment[key], locale)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        </div>
      )}
    </Drawer>
  )
}
