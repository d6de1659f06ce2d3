import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Shipment } from '@/api/types'
import { showFailure, showOutcome } from '@/lib/outcome'
import { act, type ShipmentAction } from './queries'

export const labelOf = (rows: readonly Shipment[]) => (id: string) => {
  const row = rows.find((shipment) => shipment.id === id)
  return row?.waybill_number ?? row?.orders[0]?.external_id ?? id
}

/** Runs an action on parcels and leaves its tally. */
export function useShipmentActions(rows: readonly Shipment[]) {
  const { t } = useTranslation()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const run = async (name: ShipmentAction, ids: string[]) => {
    const title = `${t(`shipments.do_${name}`)} · ${ids.length}`
    setBusy(true)
    try {
      showOutcome(await act(name, ids), title, t, labelOf(rows))
    } catch (error) {
      showFailure(error, title, t)
    } finally {
      setBusy(false)
      await client.invalidateQueries({ queryKey: ['shipments'] })
      void client.invalidateQueries({ queryKey: ['orders'] })
    }
  }
  return { run, busy }
}
