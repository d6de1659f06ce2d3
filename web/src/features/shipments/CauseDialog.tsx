import { Input, Modal, Radio } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

const CAUSES = ['jam', 'torn', 'lost', 'blurred', 'else'] as const

/** A second label of one waybill needs its cause: two parcels with one number are a loss. */
export function CauseDialog({ count, onCause, onClose }: { count: number; onCause: (cause: string) => void; onClose: () => void }) {
  const { t } = useTranslation()
  const [picked, setPicked] = useState<(typeof CAUSES)[number]>('jam')
  const [words, setWords] = useState('')
  const cause = picked === 'else' ? words.trim() : t(`print.cause_${picked}`)
  return (
    <Modal open title={t('print.cause_title', { count })} okText={t('print.again', { count })} cancelText={t('common.cancel')} okButtonProps={{ disabled: !cause }} onOk={() => onCause(cause)} onCancel={onClose}>
      <p className="muted">{t('print.cause_why')}</p>
      <Radio.Group
        className="cause-choice"
        value={picked}
        onChange={(event) => setPicked(event.target.value as (typeof CAUSES)[number])}
        options={CAUSES.map((value) => ({ value, label: t(`print.cause_${value}`) }))}
      />
      {picked === 'else' && <Input autoFocus value={words} onChange={(event) => setWords(event.target.value)} maxLength={120} aria-label={t('print.cause_else')} />}
    </Modal>
  )
}
