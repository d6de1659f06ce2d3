import { LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { init, use, type ECharts } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { HomeBoard } from '@/api/types'
import { formatMoney } from '@/lib/money'
import { useTheme } from '@/lib/theme'
import { formatClock } from '@/lib/time'
import { fontFamily, palettes } from '@/tokens'

use([LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])

/** Today's sales by the hour against the same day of last week. */
export default function SalesCurve({ board }: { board: HomeBoard }) {
  const { t, i18n } = useTranslation()
  const { name } = useTheme()
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<ECharts>(undefined)

  useEffect(() => {
    if (!box.current) return
    const made = init(box.current)
    chart.current = made
    const watcher = new ResizeObserver(() => made.resize())
    watcher.observe(box.current)
    return () => {
      watcher.disconnect()
      made.dispose()
      chart.current = undefined
    }
  }, [])

  useEffect(() => {
    const p = palettes[name]
    const { currency } = board.sales_today.total
    chart.current?.setOption({
      animation: false,
      textStyle: { fontFamily, color: p.text },
      grid: { left: 64, right: 16, top: 32, bottom: 28 },
      legend: { top: 0, right: 0, textStyle: { color: p.text } },
      tooltip: {
        trigger: 'axis',
        backgroundColor: p.surface,
        borderColor: p.border,
        textStyle: { color: p.text },
        valueFormatter: (value: unknown) => (value === null || value === undefined ? '—' : formatMoney({ amount: String(value), currency }, i18n.language)),
      },
      xAxis: {
        type: 'category',
        data: board.curve.map((point) => formatClock(point.hour, i18n.language)),
        axisLabel: { color: p.muted },
        axisLine: { lineStyle: { color: p.border } },
      },
      yAxis: { type: 'value', axisLabel: { color: p.muted }, splitLine: { lineStyle: { color: p.border } } },
      series: [
        {
          name: t('home.last_week'),
          type: 'line',
          showSymbol: false,
          lineStyle: { type: 'dashed', width: 1.5 },
          color: p.borderStrong,
          data: board.curve.map((point) => Number(point.last_week.total.amount)),
        },
        {
          name: t('home.today'),
          type: 'line',
          showSymbol: false,
          lineStyle: { width: 2.5 },
          color: p.accent,
          data: board.curve.map((point) => (point.today ? Number(point.today.total.amount) : null)),
        },
      ],
    })
  }, [board, name, i18n.language, t])

  return <div ref={box} className="curve-box" role="img" aria-label={t('home.curve')} />
}
