import { InboxOutlined } from '@ant-design/icons'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useRef, useState, type DragEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { shopsQuery } from '@/api/shared'
import type { ImportBatch } from '@/api/types'
import type { Column } from '@/components/DataTable'
import { PagedList } from '@/components/PagedList'
import { useNarrow } from '@/lib/media'
import { formatNumber } from '@/lib/money'
import { formatShort } from '@/lib/time'
import { ImportDrawer } from './ImportDrawer'
import { ImportState } from './ImportState'
import { NewImport } from './NewImport'
import { previewOf } from './preview'
import { importsQuery, type Upload } from './queries'
import './imports.css'

/** Files in: drop them, see what they are, then decide. Nothing touches an order before that. */
export function ImportsPage() {
  const { t, i18n } = useTranslation()
  const locale = i18n.language
  const narrow = useNarrow()
  const { id } = useSearch({ from: '/guarded/shell/imports' })
  const navigate = useNavigate({ from: '/imports' })
  const shops = useQuery(shopsQuery).data?.items ?? []
  const list = useInfiniteQuery(importsQuery)
  const [files, setFiles] = useState<File[]>()
  const [over, setOver] = useState(false)
  // What was handed in stays here, so that another mapping can be tried without choosing the files again.
  const [kept, setKept] = useState<{ id: string; upload: Upload }>()
  const chooser = useRef<HTMLInputElement>(null)
  const open = (next: string | undefined) => void navigate({ search: { id: next }, replace: true })

  const take = (chosen: FileList | null) => {
    if (chosen && chosen.length > 0) setFiles([...chosen])
    if (chooser.current) chooser.current.value = ''
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    take(event.dataTransfer.files)
  }
  const shopOf = (batch: ImportBatch) => shops.find((shop) => shop.id === batch.shop_id)?.name ?? '—'
  const orders = (batch: ImportBatch) => formatNumber(previewOf(batch.preview)?.orders ?? 0, locale)
  const odd = (batch: ImportBatch) => previewOf(batch.preview)?.oddRows ?? 0
  const columns: Column<ImportBatch>[] = [
    { key: 'at', title: t('imports.at'), width: '112px', render: (row) => formatShort(row.created_at, locale) },
    { key: 'files', title: t('imports.files'), width: 'minmax(200px, 2fr)', render: (row) => <span title={row.file_names.join('\n')}>{row.file_names.join(t('common.list_join'))}</span> },
    { key: 'shop', title: t('shops.name'), width: 'minmax(100px, 0.7fr)', render: shopOf },
    { key: 'state', title: t('shops.state'), width: '96px', render: (row) => <ImportState batch={row} /> },
    { key: 'orders', title: t('imports.orders'), width: '90px', align: 'right', render: orders },
    { key: 'odd', title: t('imports.odd'), width: '90px', align: 'right', render: (row) => <span className={odd(row) > 0 ? 'ink-warn strong' : 'muted'}>{formatNumber(odd(row), locale)}</span> },
  ]
  return (
    <div className="list-page">
      <div className="list-head">
        <h1>{t('places.imports')}</h1>
      </div>
      <div
        className={`drop-zone${over ? ' over' : ''}`}
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <InboxOutlined aria-hidden />
        <span>
          <button type="button" className="link-button" onClick={() => chooser.current?.click()} data-testid="choose-files">
            {t('imports.choose')}
          </button>{' '}
          {t('imports.or_drop')}
          <br />
          <span className="muted">{t('imports.kinds')}</span>
        </span>
        <input ref={chooser} type="file" multiple hidden accept=".csv,.tsv,.txt,.xls,.xlsx,.gz" onChange={(event) => take(event.target.files)} data-testid="files" aria-label={t('imports.choose')} />
      </div>
      <PagedList
        label={t('places.imports')}
        list={list}
        rowKey={(row) => row.id}
        columns={columns}
        cursor={id}
        onOpen={open}
        narrow={narrow}
        compact={(row) => (
          <>
            <div className="compact-line">
              <ImportState batch={row} />
              <span className="grow" />
              <span className="muted">{formatShort(row.created_at, locale)}</span>
            </div>
            <div className="compact-line clip">{row.file_names.join(t('common.list_join'))}</div>
            <div className="compact-line clip muted">
              {shopOf(row)} · {t('imports.orders')} {orders(row)} · {t('imports.odd')} {odd(row)}
            </div>
          </>
        )}
        empty={{ title: t('imports.none'), hint: t('imports.none_do') }}
      />
      {files && (
        <NewImport
          files={files}
          onClose={() => setFiles(undefined)}
          onRead={(batch, upload) => {
            setFiles(undefined)
            setKept({ id: batch.id, upload })
            open(batch.id)
          }}
        />
      )}
      {id && (
        <ImportDrawer
          key={id}
          id={id}
          upload={kept?.id === id ? kept.upload : undefined}
          onClose={() => open(undefined)}
          onRead={(batch, upload) => {
            setKept({ id: batch.id, upload })
            open(batch.id)
          }}
        />
      )}
    </div>
  )
}
