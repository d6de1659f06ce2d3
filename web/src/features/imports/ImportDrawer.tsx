import { DownloadOutlined } from '@ant-design/icons'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Alert, Button, Drawer, Popconfirm, Space } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { explain } from '@/api/problem'
import type { ImportBatch } from '@/api/types'
import { ErrorState, LoadingState } from '@/components/States'
import { formatMoney, formatNumber } from '@/lib/money'
import { showTally } from '@/lib/tallies'
import { formatLong } from '@/lib/time'
import { currentLanguage } from '@/locales'
import { ImportState } from './ImportState'
import { MappingEditor } from './MappingEditor'
import { previewOf, sumsOf, type BalanceRow, type ImportPreview, type Mapping } from './preview'
import { commit, importQuery, preview, withdraw, type Upload } from './queries'

interface Props {
  id: string
  /** What was handed in, while this page still has it. */
  upload: Upload | undefined
  onRead: (batch: ImportBatch, upload: Upload) => void
  onClose: () => void
}

function Figures({ found }: { found: ImportPreview }) {
  const { t, i18n } = useTranslation()
  const figure = (word: string, value: number, tone?: 'warn' | 'good') => (
    <div key={word} className={`figure${tone && value > 0 ? ` ink-${tone}` : ''}`}>
      <b>{formatNumber(value, i18n.language)}</b>
      <span>{t(`imports.${word}`)}</span>
    </div>
  )
  return (
    <div className="figures">
      {figure('orders', found.orders)}
      {figure('new_orders', found.newOrders, 'good')}
      {figure('imported_before', found.importedBefore)}
      {figure('known_by_channel', found.knownByChannel)}
      {figure('live', found.live)}
      {figure('held_as_history', found.heldAsHistory)}
      {figure('odd', found.oddRows, 'warn')}
    </div>
  )
}

function FilesFound({ found }: { found: ImportPreview }) {
  const { t, i18n } = useTranslation()
  return (
    <table className="plain">
      <thead>
        <tr>
          <th>{t('imports.file')}</th>
          <th>{t('imports.recognised')}</th>
          <th>{t('imports.format')}</th>
          <th className="num">{t('imports.rows')}</th>
        </tr>
      </thead>
      <tbody>
        {found.files.map((file) => (
          <tr key={file.name}>
            <td>{file.name}</td>
            <td>
              <b>{file.layoutName[currentLanguage()]}</b>
              {file.missingColumns.length > 0 && <div className="ink-warn cell-note">{t('imports.missing_columns', { columns: file.missingColumns.join(t('common.list_join')) })}</div>}
              {file.unknownColumns.length > 0 && <div className="muted cell-note">{t('imports.unknown_columns', { columns: file.unknownColumns.join(t('common.list_join')) })}</div>}
            </td>
            <td>
              {file.format} {file.sheet}
            </td>
            <td className="num">{formatNumber(file.rows, i18n.language)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function BalanceTable({ rows, totals }: { rows: readonly BalanceRow[]; totals: readonly BalanceRow[] }) {
  const { t, i18n } = useTranslation()
  const locale = i18n.language
  const line = (row: BalanceRow, head: boolean) => (
    <tr key={`${head} ${row.month} ${row.country} ${row.currency}`} className={head ? 'strong' : undefined}>
      <td>{head ? t('imports.in_all') : row.month || '—'}</td>
      <td>{head ? '' : row.country || '—'}</td>
      <td className="num">{formatNumber(row.orders, locale)}</td>
      <td className="num">{formatNumber(row.cancellations, locale)}</td>
      <td className="num">{formatNumber(row.lines, locale)}</td>
      <td className="num">{formatNumber(row.units, locale)}</td>
      <td className="num">{formatMoney(row.total, locale)}</td>
    </tr>
  )
  return (
    <div className="table-wrap balance">
      <table className="plain">
        <thead>
          <tr>
            <th>{t('imports.month')}</th>
            <th>{t('imports.country')}</th>
            <th className="num">{t('imports.orders')}</th>
            <th className="num">{t('imports.cancellations')}</th>
            <th className="num">{t('imports.lines')}</th>
            <th className="num">{t('imports.units')}</th>
            <th className="num">{t('imports.total')}</th>
          </tr>
        </thead>
        <tbody>
          {totals.map((row) => line(row, true))}
          {rows.map((row) => line(row, false))}
        </tbody>
      </table>
    </div>
  )
}

/** One import: what its files are, what it would do, what it did, and the way back. */
export function ImportDrawer({ id, upload, onRead, onClose }: Props) {
  const { t, i18n } = useTranslation()
  const client = useQueryClient()
  const { data: batch, error, isPending, refetch } = useQuery(importQuery(id))
  const [mapping, setMapping] = useState<Mapping>()
  const refresh = (next: ImportBatch) => {
    client.setQueryData(importQuery(id).queryKey, next)
    void client.invalidateQueries({ queryKey: ['imports'] })
    void client.invalidateQueries({ queryKey: ['orders'] })
    void client.invalidateQueries({ queryKey: ['shops'] })
  }
  const committing = useMutation({ mutationFn: () => commit(id), onSuccess: refresh })
  const withdrawing = useMutation({
    mutationFn: () => withdraw(id),
    onSuccess: (next) => {
      refresh(next)
      showTally({ title: t('imports.withdrawn'), tone: 'good', fleeting: true })
    },
  })
  const again = useMutation({
    mutationFn: async (next: Mapping) => {
      if (!upload) throw new Error(t('imports.files_gone'))
      const tried = { ...upload, mapping: next }
      return { batch: await preview(tried), upload: tried }
    },
    onSuccess: ({ batch: read, upload: tried }) => {
      void client.invalidateQueries({ queryKey: ['imports'] })
      onRead(read, tried)
    },
  })
  const failure = committing.error ?? withdrawing.error ?? again.error
  const told = failure ? explain(failure, t) : undefined
  const found = batch ? previewOf(batch.preview) : undefined
  const mapped = found?.files.find((file) => file.mapping)
  const state = batch?.import_state
  const changed = mapping !== undefined && JSON.stringify(mapping) !== JSON.stringify(mapped?.mapping)
  return (
    <Drawer
      open
      size={860}
      onClose={onClose}
      title={batch?.file_names.join(t('common.list_join')) ?? t('places.imports')}
      footer={
        batch && (
          <Space wrap>
            {state === 'previewed' && !changed && (
              <Button type="primary" loading={committing.isPending} disabled={found?.orders === 0} onClick={() => committing.mutate()} data-testid="commit-import">
                {t('imports.commit', { count: formatNumber(found?.orders ?? 0, i18n.language) as unknown as number })}
              </Button>
            )}
            {changed && mapping && (
              <Button type="primary" loading={again.isPending} disabled={!upload} onClick={() => again.mutate(mapping)} data-testid="read-again">
                {t('imports.read_again')}
              </Button>
            )}
            {state === 'committed' && (
              <Popconfirm title={t('imports.withdraw_sure')} onConfirm={() => withdrawing.mutate()} okText={t('imports.withdraw')} cancelText={t('common.cancel')}>
                <Button danger loading={withdrawing.isPending} data-testid="withdraw-import">
                  {t('imports.withdraw')}
                </Button>
              </Popconfirm>
            )}
            {found !== undefined && found.oddRows > 0 && (
              <Button icon={<DownloadOutlined />} href={`/api/v1/imports/${id}/odd_rows`} download="odd-rows.csv">
                {t('imports.odd_file')}
              </Button>
            )}
            {batch.shop_id && state === 'committed' && (
              <Link to="/orders" search={{ shop: [batch.shop_id] }}>
                {t('imports.see_orders')}
              </Link>
            )}
          </Space>
        )
      }
    >
      {isPending ? (
        <LoadingState />
      ) : error || !batch ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : (
        <div className="stack" data-testid="import">
          <p>
            <ImportState batch={batch} /> <span className="muted">{formatLong(batch.committed_at ?? batch.created_at, i18n.language)}</span>
          </p>
          {told && <Alert type="error" showIcon title={told.title} description={told.detail} role="alert" />}
          {(state === 'committed' || state === 'withdrawn') && (
            <div className="figures" data-testid="import-result">
              {sumsOf(batch.result).map(([word, value]) => (
                <div key={word} className="figure">
                  <b>{formatNumber(value, i18n.language)}</b>
                  <span>{t(`import_result.${word}`, { defaultValue: word })}</span>
                </div>
              ))}
            </div>
          )}
          {found && (
            <>
              {state === 'previewed' && <Figures found={found} />}
              <FilesFound found={found} />
              {found.oddRows > 0 && (
                <section>
                  <h3>{t('imports.odd_rows', { count: found.oddRows })}</h3>
                  <ul className="odd-rows">
                    {found.oddFirst.map((entry) => (
                      <li key={`${entry.file} ${entry.row}`}>
                        <span className="muted">
                          {found.files.length > 1 && `${entry.file} `}
                          {t('imports.row', { row: entry.row })}
                        </span>{' '}
                        {entry.cause}
                      </li>
                    ))}
                  </ul>
                </section>
              )}
              {mapped?.mapping && (
                <section>
                  <h3>{mapped.proposed ? t('imports.mapping_proposed') : t('imports.mapping')}</h3>
                  <MappingEditor columns={mapped.columns} mapping={mapping ?? mapped.mapping} readOnly={state !== 'previewed' || !upload} onChange={setMapping} />
                  {state === 'previewed' && !upload && <p className="muted">{t('imports.files_gone')}</p>}
                </section>
              )}
              <section>
                <h3>{t('imports.balance', { zone: found.zone })}</h3>
                <BalanceTable rows={found.balance} totals={found.totals} />
              </section>
            </>
          )}
        </div>
      )}
    </Drawer>
  )
}
