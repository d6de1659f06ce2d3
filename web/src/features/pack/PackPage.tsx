import { CheckOutlined, CloseOutlined, SoundOutlined, StopOutlined } from '@ant-design/icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useCallback, useEffect, useRef, useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { explain } from '@/api/problem'
import { useSession } from '@/api/session'
import { openFile } from '@/api/documents'
import { warehousesQuery } from '@/api/shared'
import type { Bench } from '@/api/types'
import { Picture } from '@/components/Picture'
import { useKept } from '@/lib/kept'
import { useKeys } from '@/lib/keys'
import { reasonWords, stopWords } from '@/lib/outcome'
import { play } from '@/lib/sounds'
import { acknowledge, placeStation, putAside, reprint, scan, stationQuery, weigh } from './queries'
import { commandOf, gramsOf, lightOf, nextLine, soundOf, type Command, type Light } from './scan'
import './pack.css'

interface LastScan {
  code: string
  light: Light
  words: string
}

/** How long a lone letter waits for more before it is a command. */
const PATIENCE_MS = 700
const FLASH_MS = 450

/** The bench: one number, one picture, big colours, sounds. No dialog: the scan field always has the focus. */
export function PackPage() {
  const { t } = useTranslation()
  const session = useSession()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [station, setStation] = useKept('station', '1')
  const [sound, setSound] = useKept('pack.sound', true)
  const [text, setText] = useState('')
  const [last, setLast] = useState<LastScan>()
  /** How many scans and commands were answered: what watches the screen can tell two equal answers apart. */
  const [answered, setAnswered] = useState(0)
  const [flash, setFlash] = useState(false)
  const [weighing, setWeighing] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  // A parcel is weighed when it is closed: the one that was closed last stays known.
  const parcelInHand = useRef<string>(undefined)
  const { data: bench, error, isPending } = useQuery(stationQuery(station))

  // Nothing may take the focus for long: a scan that goes elsewhere is lost.
  useEffect(() => {
    const back = () => {
      if (!(document.activeElement instanceof HTMLInputElement)) field.current?.focus()
    }
    back()
    const timer = setInterval(back, 400)
    window.addEventListener('focus', back)
    return () => {
      clearInterval(timer)
      window.removeEventListener('focus', back)
    }
  }, [])

  const tell = useCallback(
    (code: string, light: Light, words: string) => {
      setLast({ code, light, words })
      setAnswered((was) => was + 1)
      const voice = soundOf(light)
      if (sound && voice) play(voice)
      setFlash(light === 'right' || light === 'open' || light === 'done')
    },
    [sound],
  )
  useEffect(() => {
    if (!flash) return
    const timer = setTimeout(() => setFlash(false), FLASH_MS)
    return () => clearTimeout(timer)
  }, [flash, last])

  const query = stationQuery(station)
  const printer = useRef<HTMLIFrameElement>(null)
  const print = (url: string) => {
    if (printer.current) printer.current.src = url
  }
  const take = (answer: Bench, code: string) => {
    client.setQueryData(query.queryKey, answer)
    if (answer.shipment) parcelInHand.current = answer.shipment.id
    const light = lightOf(answer)
    const outcome = answer.outcome ? t(`pack.${answer.outcome}`, { defaultValue: answer.outcome }) : ''
    const trouble = answer.label_refused ? t('pack.label_refused', { why: reasonWords(answer.label_refused, t) }) : ''
    const stop = answer.shipment?.stop_reason ?? answer.reason
    tell(code, light, light === 'stop' ? stopWords(stop || 'unknown', t) : [outcome, trouble].filter(Boolean).join(' · '))
    if (answer.label) void openFile(answer.label).then(print)
  }
  const fail = (failure: unknown, code: string) => {
    const { title, detail } = explain(failure, t)
    tell(code, 'wrong', [title, detail].filter(Boolean).join(' · '))
  }

  // Scans are answered in the order they were made, however fast they come.
  const line = useRef(Promise.resolve())
  const queue = (code: string, work: () => Promise<void>) => {
    line.current = line.current.then(work).catch((failure: unknown) => fail(failure, code))
  }
  const weighIt = (grams: number, words: string) => {
    setWeighing(false)
    const parcel = bench?.shipment?.id ?? parcelInHand.current
    if (!parcel) {
      tell(words, 'wrong', t('pack.weigh_what'))
      return
    }
    queue(words, async () => {
      const off = await weigh(parcel, grams)
      const difference = off === null || off === 0 ? '' : t('pack.weigh_off', { difference: off > 0 ? `+${off}` : off })
      tell(words, 'idle', [t('pack.weighed', { grams }), difference].filter(Boolean).join(' · '))
      await client.invalidateQueries({ queryKey: query.queryKey })
    })
  }
  const command = (name: Command | 'acknowledge') => {
    if (name === 'weigh') {
      setWeighing((was) => !was)
      field.current?.focus()
      return
    }
    const parcel = bench?.shipment
    if (!parcel) return
    queue(name, async () => {
      if (name === 'reprint') {
        const { urls, refused } = await reprint(parcel.id, station, t('pack.reprint_cause'))
        urls.forEach(print)
        tell('P', refused ? 'wrong' : 'idle', refused ? reasonWords(refused, t) : t('pack.reprinted'))
        return
      }
      if (name === 'acknowledge') await acknowledge(parcel.id)
      else await putAside(station)
      tell('U', 'idle', t('pack.cancelled'))
      await client.invalidateQueries({ queryKey: query.queryKey })
    })
  }

  const submit = (event: FormEvent) => {
    event.preventDefault()
    const code = text.trim()
    setText('')
    if (!code) return
    const name = commandOf(code)
    if (name) {
      command(name)
      return
    }
    const grams = gramsOf(code, weighing)
    if (grams !== undefined) {
      weighIt(grams, code)
      return
    }
    setWeighing(false)
    queue(code, async () => take(await scan(station, code), code))
  }
  useEffect(() => {
    const name = commandOf(text)
    if (!name || text.length !== 1) return
    const timer = setTimeout(() => {
      setText('')
      command(name)
    }, PATIENCE_MS)
    return () => clearTimeout(timer)
    // The command belongs to the letter that was typed, whatever is drawn meanwhile.
  }, [text])

  // Nothing else may take the focus here: Escape is the way out, once the field is empty.
  useKeys('pack', {
    pack_leave: () => {
      if (weighing) setWeighing(false)
      else if (text) setText('')
      else void navigate({ to: '/' })
    },
  })

  const shipment = bench?.shipment ?? null
  const light: Light = shipment?.stop_reason ? 'stop' : (last?.light ?? 'idle')
  const shownItem = shipment ? (nextLine(shipment) ?? shipment.lines[0]) : undefined
  const warehouses = useQuery({ ...warehousesQuery, enabled: bench === null }).data?.items
  // What is centred is drawn once all of it is known: it would move else.
  const unknown = (isPending && station.trim() !== '') || (bench === null && warehouses === undefined)
  const place = (warehouse: string) =>
    queue(station, async () => {
      await placeStation(station, warehouse)
      await client.invalidateQueries({ queryKey: query.queryKey })
    })
  return (
    <main className={`pack pack-${light}${flash ? ' pack-flash' : ''}`} data-testid="pack" data-light={light} data-answered={answered} onClick={() => field.current?.focus()}>
      <header className="pack-head">
        <h1>{t('places.pack')}</h1>
        <label>
          {t('print.station')}{' '}
          <input value={station} onChange={(event) => setStation(event.target.value)} maxLength={20} onKeyDown={(event) => event.key === 'Enter' && field.current?.focus()} />
        </label>
        <span>{session?.user.name}</span>
        <span className="grow" />
        <span data-testid="pack-stats">
            {t('pack.packed', { count: bench?.packed_today ?? 0 })}
            {typeof bench?.seconds_per_parcel === 'number' && ` · ${t('pack.pace', { seconds: bench.seconds_per_parcel })}`}
        </span>
        <button type="button" aria-pressed={sound} aria-label={t('pack.sound')} title={t('pack.sound')} onClick={() => setSound(!sound)} className={sound ? '' : 'off'}>
          <SoundOutlined />
        </button>
        <button type="button" aria-label={t('pack.leave')} title={t('pack.leave')} onClick={() => void navigate({ to: '/' })}>
          <CloseOutlined />
        </button>
      </header>

      <section className="pack-stage" aria-live="assertive">
        {light === 'stop' ? (
          <div className="pack-stop-sign">
            <StopOutlined aria-hidden />
            <strong>{t('pack.stop')}</strong>
            <span>{shipment ? stopWords(shipment.stop_reason, t) : ''}</span>
            <span>{t('pack.stop_do')}</span>
            <button type="button" onClick={() => command('acknowledge')}>
              {t('pack.acknowledge')}
            </button>
          </div>
        ) : unknown ? null : bench === null ? (
          <div className="pack-empty">
            <strong>{t('pack.where', { station })}</strong>
            <span className="pack-choices">
              {warehouses?.map((warehouse) => (
                <button key={warehouse.id} type="button" onClick={() => place(warehouse.id)} data-warehouse={warehouse.id}>
                  {warehouse.name}
                </button>
              ))}
            </span>
          </div>
        ) : shipment && shownItem ? (
          <>
            <Picture url={shownItem.image_url} name={shownItem.name} size={220} />
            <div className="pack-item">
              <div className="pack-name">{shownItem.name}</div>
              <div className="pack-code">
                {shownItem.sku_code} {shownItem.variant} <span>{shownItem.barcode}</span>
              </div>
              <div className="pack-bin">{t('pack.bin', { bin: shownItem.bin || '—' })}</div>
            </div>
            <div className="pack-number">
              <span>{shipment.scanned >= shipment.needed ? t('pack.complete') : t('pack.to_scan')}</span>
              <strong data-testid="pack-progress">
                {shipment.scanned} / {shipment.needed}
              </strong>
            </div>
          </>
        ) : (
          <div className="pack-empty">
            <strong>{light === 'done' ? t('pack.complete') : t('pack.ready')}</strong>
            <span>{error ? explain(error, t).title : t('pack.ready_do')}</span>
          </div>
        )}
      </section>

      {shipment && (
        <ul className="pack-items">
          {shipment.lines.map((item) => (
            <li key={`${item.sku_id} ${item.bin}`} className={item.scanned >= item.needed ? 'done' : ''}>
              {item.scanned >= item.needed ? <CheckOutlined aria-hidden /> : <i aria-hidden />}{' '}
              <b>
                {item.scanned}/{item.needed}
              </b>{' '}
              {item.name} <span>{item.bin}</span>
            </li>
          ))}
        </ul>
      )}

      <footer className="pack-foot">
        <form onSubmit={submit}>
          <input
            ref={field}
            className={weighing ? 'pack-scan weighing' : 'pack-scan'}
            value={text}
            onChange={(event) => setText(event.target.value)}
            placeholder={weighing ? t('pack.weigh_here') : t('pack.scan_here')}
            inputMode={weighing ? 'decimal' : 'text'}
            aria-label={weighing ? t('pack.weigh_here') : t('pack.scan_here')}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            enterKeyHint="done"
            data-testid="scan"
          />
        </form>
        <output className={`pack-last ink-${light}`} data-testid="last-scan">
          {last && (
            <>
              {last.code} {last.light === 'wrong' || last.light === 'stop' ? '✕' : '✓'} {last.words}
            </>
          )}
        </output>
        <span className="grow" />
        {/* Always there: what comes and goes would move the scan field. */}
            <span className="pack-waybill">
              {shipment?.waybill_number ?? '—'} {shipment?.carrier}
            </span>
            <button type="button" aria-pressed={weighing} onClick={() => command('weigh')} data-do="weigh">
              <kbd>W</kbd> {t('pack.weigh')}
            </button>
            <button type="button" disabled={!shipment} onClick={() => command('reprint')} data-do="reprint">
              <kbd>P</kbd> {t('pack.reprint')}
            </button>
            <button type="button" disabled={!shipment} onClick={() => command('cancel')} data-do="put-aside">
              <kbd>U</kbd> {t('pack.cancel')}
            </button>
      </footer>
      <iframe ref={printer} className="sr-only" title={t('document.label')} aria-hidden tabIndex={-1} onLoad={(event) => event.currentTarget.src.startsWith('blob:') && event.currentTarget.contentWindow?.print()} />
    </main>
  )
}
