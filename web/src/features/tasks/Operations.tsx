import { UndoOutlined } from '@ant-design/icons'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { Button } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { canUndo, undoOperation } from '@/api/operations'
import type { Operation } from '@/api/types'
import { Chip, type Tone } from '@/components/Chip'
import type { Column } from '@/components/DataTable'
import { PagedList } from '@/components/PagedList'
import { followOperation } from '@/lib/follow'
import { useLive } from '@/lib/live'
import { useNarrow } from '@/lib/media'
import { useNow } from '@/lib/now'
import { showFailure, showOutcome } from '@/lib/outcome'
import { formatShort } from '@/lib/time'
import { OperationDrawer } from './OperationDrawer'
import { operationsQuery } from './queries'

const TONES: Record<string, Tone> = { running: 'info', done: 'good', failed: 'bad' }

export function StateChip({ operation }: { operation: Operation }) {
  const { t } = useTranslation()
  const word = operation.undone_at ? 'undone' : operation.operation_state
  return <Chip tone={operation.undone_at ? 'idle' : (TONES[word] ?? 'warn')}>{t(`operation_state.${word}`, { defaultValue: word })}</Chip>
}

/** What I did in bulk, what came of it, and the way back while it is open. */
export function Operations() {
  const { t, i18n } = useTranslation()
  const client = useQueryClient()
  const narrow = useNarrow()
  const now = useNow()
  const list = useInfiniteQuery(operationsQuery)
  const [open, setOpen] = useState<string>()
  const [busy, setBusy] = useState<string>()
  const refresh = () => client.invalidateQueries({ queryKey: ['operations'] })
  useLive('operation', () => void refresh())

  const verb = (operation: Operation) => t(`action.${operation.kind}`, { defaultValue: operation.kind })
  const undo = async (operation: Operation) => {
    setBusy(operation.id)
    try {
      const title = t('tasks.undo_of', { verb: verb(operation) })
      showOutcome(await followOperation(await undoOperation(operation.id), title, t), title, t, (id) => id)
      void client.invalidateQueries({ queryKey: ['orders'] })
    } catch (error) {
      showFailure(error, t('tally.undo_failed'), t)
    } finally {
      setBusy(undefined)
      void refresh()
    }
  }
  const undoButton = (operation: Operation) =>
    canUndo(operation, now) && (
      <Button size="small" icon={<UndoOutlined />} loading={busy === operation.id} onClick={() => void undo(operation)} data-do="undo">
        {t('tally.undo')}
      </Button>
    )
  const columns: Column<Operation>[] = [
    { key: 'at', title: t('tasks.started'), width: '112px', render: (row) => formatShort(row.created_at, i18n.language) },
    { key: 'kind', title: t('tasks.verb'), width: 'minmax(110px, 1fr)', render: (row) => verb(row) },
    { key: 'state', title: t('shops.state'), width: '96px', render: (row) => <StateChip operation={row} /> },
    { key: 'progress', title: t('tasks.progress'), width: '120px', align: 'right', render: (row) => `${row.finished} / ${row.total}` },
    { key: 'done', title: t('tally.done'), width: '80px', align: 'right', render: (row) => row.tally.done },
    { key: 'already', title: t('tally.already'), width: '90px', align: 'right', render: (row) => row.tally.already },
    {
      key: 'refused',
      title: t('tally.refused'),
      width: '90px',
      align: 'right',
      render: (row) => <span className={row.tally.refused > 0 ? 'ink-bad strong' : undefined}>{row.tally.refused}</span>,
    },
    { key: 'undo', title: '', width: 'minmax(100px, 1fr)', align: 'right', render: undoButton },
  ]
  return (
    <>
      <PagedList
        label={t('tasks.tab_operations')}
        list={list}
        rowKey={(row) => row.id}
        columns={columns}
        cursor={open}
        onOpen={setOpen}
        narrow={narrow}
        compact={(row) => (
          <>
            <div className="compact-line">
              <b>{verb(row)}</b> <StateChip operation={row} />
              <span className="grow" />
              <span className="muted">{formatShort(row.created_at, i18n.language)}</span>
            </div>
            <div className="compact-line">
              {t('tally.done')} {row.tally.done} · {t('tally.refused')} {row.tally.refused}
              <span className="grow" />
              {undoButton(row)}
            </div>
          </>
        )}
        empty={{ title: t('tasks.none_operations'), hint: t('tasks.none_operations_do') }}
      />
      {open && <OperationDrawer id={open} onClose={() => setOpen(undefined)} />}
    </>
  )
}
