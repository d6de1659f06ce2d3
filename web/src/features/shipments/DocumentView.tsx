import { DownloadOutlined, PrinterOutlined } from '@ant-design/icons'
import { Button, Modal } from 'antd'
import { useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { DocumentKind } from './queries'

export interface MadeDocument {
  kind: DocumentKind
  count: number
  url: string
}

/** The file as it came, to look at, print or keep. It is in the ledger already. */
export function DocumentView({ made, onClose }: { made: MadeDocument; onClose: () => void }) {
  const { t } = useTranslation()
  const frame = useRef<HTMLIFrameElement>(null)
  return (
    <Modal
      open
      width={900}
      onCancel={onClose}
      title={`${t(`document.${made.kind}`)} · ${made.count}`}
      footer={[
        <Button key="keep" icon={<DownloadOutlined />} href={made.url} download={`${made.kind}-${made.count}.pdf`}>
          {t('print.keep')}
        </Button>,
        <Button key="print" type="primary" icon={<PrinterOutlined />} onClick={() => frame.current?.contentWindow?.print()}>
          {t('print.send')}
        </Button>,
      ]}
    >
      <iframe ref={frame} className="document-frame" src={made.url} title={t(`document.${made.kind}`)} data-testid="document" />
    </Modal>
  )
}
