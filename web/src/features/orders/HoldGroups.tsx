import { Button } from 'antd'
import { useTranslation } from 'react-i18next'
import { Chip } from '@/components/Chip'
import { actionOf } from './actions'
import { holdTone } from './columns'

interface Props {
  holds: Record<string, number>
  picked: readonly string[]
  onPick: (reason: string | undefined) => void
  onDecide: (action: string, reason: string) => void
}

/** Exceptions by their reason: pick a group to see it, or settle all of it with one decision. */
export function HoldGroups({ holds, picked, onPick, onDecide }: Props) {
  const { t } = useTranslation()
  const groups = Object.entries(holds)
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1])
  // The bar stands there while its counts are under way: what is below it must not move.
  const only = picked.length === 1 ? picked[0] : undefined
  return (
    <div className="hold-groups" role="group" aria-label={t('orders.by_reason')}>
      <span className="muted">{t('orders.by_reason')}</span>
      {groups.map(([reason, count]) => (
        <button
          key={reason}
          type="button"
          className={`hold-group${picked.includes(reason) ? ' active' : ''}`}
          aria-pressed={picked.includes(reason)}
          onClick={() => onPick(only === reason ? undefined : reason)}
        >
          <Chip tone={holdTone(reason)}>{t(`hold.${reason}`, { defaultValue: reason })}</Chip> <b>{count}</b>
        </button>
      ))}
      {only && (
        <span className="hold-decide">
          <Button size="small" onClick={() => onDecide('release', only)}>
            {t('orders.group_release')}
          </Button>
          {actionOf('cancel') && (
            <Button size="small" danger onClick={() => onDecide('cancel', only)}>
              {t('orders.group_cancel')}
            </Button>
          )}
        </span>
      )}
    </div>
  )
}
