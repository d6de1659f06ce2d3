import { LinkOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, InputNumber, Popover, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { api, body } from '@/api/client'
import { useMay } from '@/api/session'
import { showFailure, showOutcome } from '@/lib/outcome'

/** Links a listing to its SKU, once for ever: every order that waits for it moves on. */
export function LinkButton({ listing, sellerCode }: { listing: string; sellerCode: string }) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const may = useMay('catalog.write')
  const [open, setOpen] = useState(false)
  const [text, setText] = useState(sellerCode)
  const [sku, setSku] = useState<string>()
  const [quantity, setQuantity] = useState(1)
  const [busy, setBusy] = useState(false)
  const found = useQuery({
    queryKey: ['skus', text],
    enabled: open,
    queryFn: () => body(api.GET('/api/v1/skus', { params: { query: { q: text, limit: 30 } } })),
  })
  if (!may) return null
  const link = async () => {
    if (!sku) return
    setBusy(true)
    try {
      const answer = await body(api.POST('/api/v1/listings/actions/link', { body: { ids: [listing], sku_id: sku, quantity } }))
      showOutcome(answer, t('orders.linked'), t, () => sellerCode)
      setOpen(false)
      await client.invalidateQueries({ queryKey: ['orders'] })
    } catch (error) {
      showFailure(error, t('orders.link'), t)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Popover
      trigger="click"
      open={open}
      onOpenChange={setOpen}
      content={
        <div className="link-form">
          <p className="muted">{t('orders.link_sku')}</p>
          <Select
            showSearch={{ filterOption: false, onSearch: setText }}
            autoFocus
            value={sku}
            onChange={setSku}
            loading={found.isFetching}
            placeholder={sellerCode || 'SKU'}
            aria-label="SKU"
            options={(found.data?.items ?? []).map((entry) => ({ value: entry.id, label: `${entry.code} · ${entry.name}` }))}
          />
          <InputNumber min={1} precision={0} value={quantity} onChange={(value) => setQuantity(value ?? 1)} aria-label={t('orders.link_quantity')} prefix="×" />
          <Button type="primary" disabled={!sku} loading={busy} onClick={() => void link()}>
            {t('orders.link')}
          </Button>
        </div>
      }
    >
      <Button size="small" icon={<LinkOutlined />}>
        {t('orders.link')}
      </Button>
    </Popover>
  )
}
