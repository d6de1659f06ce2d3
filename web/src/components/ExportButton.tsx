import { DownloadOutlined } from '@ant-design/icons'
import { Button, Dropdown } from 'antd'
import { useTranslation } from 'react-i18next'
import { exportUrl, type SheetFormat } from '@/api/exports'
import { EXPORT_NAMES } from '@/api/schema.gen'
import { useMay } from '@/api/session'

const FORMATS: SheetFormat[] = ['csv', 'xlsx']

/** The list as a file, exactly as it stands: the same rows in the same order. A list that the API has no file of has no button. */
export function ExportButton({ list, query, size = 'middle' }: { list: string; query: object; size?: 'small' | 'middle' }) {
  const { t } = useTranslation()
  const may = useMay('export')
  if (!may || !(EXPORT_NAMES as readonly string[]).includes(list)) return null
  return (
    <Dropdown
      trigger={['click']}
      placement="bottomRight"
      menu={{
        items: FORMATS.map((format) => ({
          key: format,
          label: (
            <a href={exportUrl(list, query, format)} download={`${list}.${format}`}>
              {t(`common.export_${format}`)}
            </a>
          ),
        })),
      }}
    >
      <Button size={size} type="text" icon={<DownloadOutlined />} aria-label={t('common.export')} title={t('common.export')} data-testid="export" />
    </Dropdown>
  )
}
