import { CloseOutlined, UndoOutlined } from '@ant-design/icons'
import { Button, Progress } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { explain } from '@/api/problem'
import { dismissTally, showTally, useTallies, type Tally } from '@/lib/tallies'

const SHOWN_REFUSALS = 5

function Card({ tally }: { tally: Tally }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  const [undoing, setUndoing] = useState(false)
  const refusals = tally.refusals ?? []
  const shown = open ? refusals : refusals.slice(0, SHOWN_REFUSALS)

  const undo = async () => {
    if (!tally.undo) return
    setUndoing(true)
    try {
      await tally.undo()
      dismissTally(tally.key)
    } catch (error) {
      const { title, detail } = explain(error, t)
      showTally({ title: t('tally.undo_failed'), tone: 'bad', detail: `${title} ${detail}` })
    } finally {
      setUndoing(false)
    }
  }

  return (
    <section className={`tally tally-${tally.tone}`} aria-label={tally.title} data-testid="tally">
      <header>
        <strong>{tally.title}</strong>
        {tally.counts?.map((count) => (
          <span key={count.label} className={count.tone ? `ink-${count.tone}` : undefined}>
            {count.label} <b>{count.value}</b>
          </span>
        ))}
        <span className="grow" />
        {tally.undo && (
          <Button size="small" icon={<UndoOutlined />} loading={undoing} onClick={() => void undo()}>
            {t('tally.undo')} <kbd>Z</kbd>
          </Button>
        )}
        <Button size="small" type="text" icon={<CloseOutlined />} aria-label={t('common.close')} onClick={() => dismissTally(tally.key)} />
      </header>
      {tally.progress && (
        <Progress
          percent={tally.progress.total === 0 ? 0 : Math.floor((tally.progress.done / tally.progress.total) * 100)}
          size="small"
          aria-label={tally.title}
          format={() => `${tally.progress?.done ?? 0} / ${tally.progress?.total ?? 0}`}
        />
      )}
      {tally.detail && <p>{tally.detail}</p>}
      {shown.length > 0 && (
        <ul>
          {shown.map((refusal) => (
            <li key={refusal.id}>
              <b>{refusal.label}</b> {refusal.reason}
            </li>
          ))}
        </ul>
      )}
      {refusals.length > SHOWN_REFUSALS && (
        <Button size="small" type="link" onClick={() => setOpen(!open)}>
          {open ? t('common.less') : t('tally.all_refusals', { count: refusals.length })}
        </Button>
      )}
    </section>
  )
}

/** The stack of cards at the foot of the screen. It is a live region: readers hear it. */
export function TallyCards() {
  const tallies = useTallies()
  return (
    <div className="tallies" role="status" aria-live="polite">
      {tallies.map((tally) => (
        <Card key={tally.key} tally={tally} />
      ))}
    </div>
  )
}
