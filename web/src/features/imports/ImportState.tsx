import { useTranslation } from 'react-i18next'
import type { ImportBatch } from '@/api/types'
import { Chip, type Tone } from '@/components/Chip'

const TONES: Record<string, Tone> = { previewed: 'info', committing: 'warn', committed: 'good', withdrawn: 'idle', failed: 'bad' }

export function ImportState({ batch }: { batch: ImportBatch }) {
  const { t } = useTranslation()
  return <Chip tone={TONES[batch.import_state] ?? 'idle'}>{t(`import_state.${batch.import_state}`, { defaultValue: batch.import_state })}</Chip>
}
