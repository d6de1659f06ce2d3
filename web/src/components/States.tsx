import { InboxOutlined, WarningOutlined } from '@ant-design/icons'
import { Button, Spin } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { explain } from '@/api/problem'

/** Nothing here, and what to do next. */
export function EmptyState({ title, hint, action }: { title: string; hint?: string; action?: ReactNode }) {
  return (
    <div className="state" data-testid="empty">
      <InboxOutlined className="state-icon" aria-hidden />
      <strong>{title}</strong>
      {hint && <p>{hint}</p>}
      {action}
    </div>
  )
}

/** What happened and what to do. Nothing that was typed is lost: only the part that failed is replaced. */
export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation()
  const { title, detail } = explain(error, t)
  return (
    <div className="state" role="alert" data-testid="error">
      <WarningOutlined className="state-icon ink-bad" aria-hidden />
      <strong>{title}</strong>
      {detail && <p>{detail}</p>}
      {retry && <Button onClick={retry}>{t('common.retry')}</Button>}
    </div>
  )
}

export function LoadingState() {
  const { t } = useTranslation()
  return (
    <div className="state" role="status" aria-label={t('common.loading')}>
      <Spin />
    </div>
  )
}

/** Grey bars where rows will be, of the rows' height: nothing jumps when they come. */
export function SkeletonRows({ count = 12 }: { count?: number }) {
  return (
    <div aria-hidden className="skeleton">
      {Array.from({ length: count }, (_, row) => (
        <div key={row} className="skeleton-row">
          <i style={{ width: 48 }} />
          <i style={{ width: `${14 + ((row * 7) % 9)}%` }} />
          <i style={{ width: `${20 + ((row * 5) % 13)}%` }} />
          <i style={{ width: `${12 + ((row * 3) % 7)}%` }} />
        </div>
      ))}
    </div>
  )
}
