import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { showTally } from '@/lib/tallies'

/** Saves, says so, and reads the list again. What was typed stays when the server refuses it. */
export function useSave<Values>(key: readonly unknown[], save: (values: Values) => Promise<unknown>, done: () => void) {
  const { t } = useTranslation()
  const client = useQueryClient()
  return useMutation({
    mutationFn: save,
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: key })
      showTally({ title: t('common.saved'), tone: 'good', fleeting: true })
      done()
    },
  })
}
