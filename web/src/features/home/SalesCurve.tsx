import { LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TooltipComponent } from 'echarts/components'
import { init, use, type ECharts } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import type { HomeBoard } from '@/api/types'
import { formatNumber } from '@/lib/money'
import { useTheme } from '@/lib/theme'
import { fontFamily, palettes } from '@/tokens'

use([LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer])

/** Today's orders by the hour against the same day of last week. */
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
    chart.current?.setOption({
      animation: false,
      textStyle: { fontFamily, color: p.text },
      grid: { left: 48, right: 16, top: 32, bottom: 28 },
      legend: { top: 0, right: 0, textStyle: { color: p.text } },
      tooltip: {
        trigger: 'axis',
        backgroundColor: p.surface,
        borderColor: p.border,
        textStyle: { color: p.text },
        valueFormatter: (value: unknown) => (typeof value === 'number' ? formatNumber(value, i18n.language) : '—'),
      },
      xAxis: {
        type: 'category',
        data: board.curve.map((point) => `${String(point.hour).padStart(2, '0')}:00`),
        axisLabel: { color: p.muted },
        axisLine: { lineStyle: { color: p.border } },
      },
      yAxis: { type: 'value', minInterval: 1, axisLabel: { color: p.muted }, splitLine: { lineStyle: { color: p.border } } },
      series: [
        {
          name: t('home.last_week'),
          type: 'line',
          showSymbol: false,
          lineStyle: { type: 'dashed', width: 1.5 },
          color: p.borderStrong,
          data: board.curve.map((point) => point.last_week),
        },
        {
          name: t('home.today'),
          type: 'line',
          showSymbol: false,
          lineStyle: { width: 2.5 },
          color: p.accent,
          data: board.curve.map((point) => point.today),
        },
      ],
    })
  }, [board, name, i18n.language, t])

  return <div ref={box} className="curve-box" role="img" aria-label={t('home.curve')} />
}
