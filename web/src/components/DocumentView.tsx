import { DownloadOutlined, PrinterOutlined } from '@ant-design/icons'
import { Button, Modal, Segmented } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { openFile, type DocumentKind } from '@/api/documents'
import type { MadeFile } from '@/api/types'
import { ErrorState, LoadingState } from './States'

export interface MadeDocument {
  kind: DocumentKind
  file: MadeFile
}

/** The files as they came, to look at, print or keep. They are in the ledger already. */
export function DocumentView({ made, onClose }: { made: readonly MadeDocument[]; onClose: () => void }) {
  const { t } = useTranslation()
  const [at, setAt] = useState(0)
  const [url, setUrl] = useState<string>()
  const [error, setError] = useState<unknown>()
  const frame = useRef<HTMLIFrameElement>(null)
  const shown = made[at]
  const file = shown?.file
  useEffect(() => {
    if (!file) return
    let opened: string | undefined
    let left = false
    openFile(file).then(
      (address) => {
        opened = address
        if (left) URL.revokeObjectURL(address)
        else setUrl(address)
      },
      (failure: unknown) => setError(failure),
    )
    return () => {
      left = true
      setUrl(undefined)
      setError(undefined)
      if (opened) URL.revokeObjectURL(opened)
    }
  }, [file])
  if (!shown) return null
  const isPdf = shown.file.media_type === 'application/pdf'
  return (
    <Modal
      open
      width={900}
      onCancel={onClose}
      title={`${t(`document.${shown.kind}`)} · ${shown.file.documents}`}
      footer={[
        <Button key="keep" icon={<DownloadOutlined />} href={url} download={`${shown.kind}-${shown.file.id}`} disabled={!url}>
          {t('print.keep')}
        </Button>,
        <Button key="print" type="primary" icon={<PrinterOutlined />} disabled={!url || !isPdf} onClick={() => frame.current?.contentWindow?.print()}>
          {t('print.send')}
        </Button>,
      ]}
    >
      {made.length > 1 && (
        <Segmented value={at} onChange={setAt} options={made.map((entry, index) => ({ value: index, label: `${t(`document.${entry.kind}`)} ${index + 1}` }))} />
      )}
      {error ? (
        <ErrorState error={error} />
      ) : url ? (
        <iframe ref={frame} className="document-frame" src={url} title={t(`document.${shown.kind}`)} data-testid="document" />
      ) : (
        <LoadingState />
      )}
    </Modal>
  )
}
