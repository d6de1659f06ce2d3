import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Button, Modal, Spin } from 'antd'
import { useCallback, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { explain } from '@/api/problem'
import type { OrderDetail } from '@/api/types'
import { keyLabel, useKeys } from '@/lib/keys'
import { formatNumber } from '@/lib/money'
import { FORMS, type Fields } from './ActionForms'
import { actionOf, refusalGroups } from './actions'
import { rehearse, type Target } from './queries'
import { reasonWords } from '@/lib/outcome'

interface Props {
  name: string
  target: Target
  count: number
  order: OrderDetail | undefined
  busy: boolean
  onRun: (fields: Fields) => void
  onClose: () => void
}

/** What an action asks, then what it would do: can, cannot and why; one key confirms. */
export function ActionPanel({ name, target, count, order, busy, onRun, onClose }: Props) {
  const { t, i18n } = useTranslation()
  const action = actionOf(name)
  const Form = action?.form ? FORMS[action.form] : undefined
  const [fields, setFields] = useState<Fields | undefined>(Form ? undefined : {})
  const change = useCallback((next: Fields | undefined) => setFields(next), [])

  const preview = useQuery({
    queryKey: ['orders', 'preview', name, target, fields],
    enabled: fields !== undefined && !action?.parcels,
    gcTime: 0,
    retry: false,
    placeholderData: keepPreviousData,
    queryFn: () => rehearse({ name, target, fields }),
  })
  const tally = preview.data?.tally
  const can = tally?.done ?? 0
  const previewed = preview.isSuccess && !preview.isPlaceholderData && can > 0
  const ready = fields !== undefined && !busy && (action?.parcels ? count > 0 : previewed)
  const confirm = () => ready && onRun(fields)
  useKeys('bulk', { confirm }, { exclusive: true })
  useKeys('global', { close: onClose })

  const groups = refusalGroups(preview.data?.results ?? [], (reason) => reasonWords(reason, t))
  const failure = preview.error ? explain(preview.error, t) : undefined
  return (
    <Modal
      open
      onCancel={onClose}
      title={t('orders.action_on', { action: t(`action.${name}`), count })}
      width={560}
      mask={{ closable: !busy }}
      footer={[
        <Button key="close" onClick={onClose} disabled={busy}>
          {t('common.cancel')}
        </Button>,
        <Button key="run" type="primary" danger={action?.danger} disabled={!ready} loading={busy} onClick={confirm} data-testid="confirm">
          {t('orders.do_it', { action: t(`action.${name}`), count: action?.parcels ? count : can })} <kbd>{keyLabel('bulk', 'confirm')}</kbd>
        </Button>,
      ]}
    >
      {Form && (
        <div className="action-form">
          <Form order={order} onChange={change} />
        </div>
      )}
      <div className="preview" aria-live="polite" data-testid="preview">
        {fields === undefined ? (
          <span className="muted">{t('orders.preview_waits')}</span>
        ) : action?.parcels ? (
          <span>{t('orders.on_parcels', { count })}</span>
        ) : failure ? (
          <span className="ink-bad">
            {failure.title} {failure.detail}
          </span>
        ) : tally ? (
          <>
            <span className="ink-good">
              {t('orders.can')} <b>{formatNumber(can, i18n.language)}</b>
            </span>
            {tally.already > 0 && (
              <span className="muted">
                {t('tally.already')} <b>{formatNumber(tally.already, i18n.language)}</b>
              </span>
            )}
            <span className={tally.refused > 0 ? 'ink-bad' : 'muted'}>
              {t('orders.cannot')} <b>{formatNumber(tally.refused, i18n.language)}</b>
            </span>
            {preview.isFetching && <Spin size="small" />}
          </>
        ) : (
          <Spin size="small" />
        )}
      </div>
      {groups.length > 0 && (
        <ul className="preview-refusals">
          {groups.map((group) => (
            <li key={group.reason}>
              <b>{group.ids.length}</b> {group.reason}
            </li>
          ))}
        </ul>
      )}
    </Modal>
  )
}
