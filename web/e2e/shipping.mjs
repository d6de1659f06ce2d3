// One person ships parcels with the keyboard and the scanner field alone; the market's own books say whether it is true.
import { apiOf, expect, until } from './harness.mjs'

const SLOW = { timeout: 90_000, every: 500 }

/** What the market knows of its orders. */
async function truthOf(world) {
  const answer = await fetch(`${world.replace(/\/$/, '')}/_world/orders?limit=100000`)
  const books = await answer.json()
  return new Map((Array.isArray(books) ? books : (books.items ?? books.orders)).map((order) => [order.external_id, order]))
}

/** Marks `count` parcels, prints them, scans them, hands them over. Nothing is clicked. */
export async function ship(checks, page, { url, world }, count) {
  const api = apiOf(page)
  const rows = () => page.locator('.dt-row')
  let parcels = []
  const seconds = {}
  const timed = async (name, work) => {
    const started = Date.now()
    await work()
    seconds[name] = (Date.now() - started) / 1000
  }
  const inTab = async (key) => {
    // As a person does it: look, press, look again.
    const open = () => page.locator('[data-tab][aria-selected=true]').getAttribute('data-tab')
    for (let turns = 0, at = await open(); at !== key && turns < 6; turns += 1) {
      const before = at
      await page.keyboard.press(']')
      at = await until('another tab', async () => ((await open()) === before ? undefined : open()), { every: 50 })
    }
    expect((await open()) === key, `the tab ${key} is not open`)
  }

  await checks.check(`${count} parcels are marked and printed by keys`, async () => {
    await until('booked waybills', async () => (await api.get(`/shipments?waybill_state=booked&limit=${Math.min(count, 200)}`)).items.length >= Math.min(count, 200), SLOW)
    await page.goto(`${url}/orders`)
    await page.locator('.phase-tabs').waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('t')
    await page.waitForURL(/\/print/)
    await rows().first().waitFor()
    await timed('mark and print', async () => {
      await inTab('ready')
      await rows().first().waitFor()
      for (let at = 0; at < count; at += 1) {
        await page.keyboard.press('j')
        await page.keyboard.press('x')
      }
      await until('all marked', async () => (await page.locator('.bulk-bar b').first().innerText()).includes(String(count)))
      await page.keyboard.press('l')
      await page.getByTestId('document').waitFor({ timeout: 120_000 })
    })
    await page.keyboard.press('Escape')
    await page.getByTestId('document').waitFor({ state: 'hidden' })
    const ledger = (await api.get('/prints?limit=200')).items
    const batch = ledger[0].batch_id
    const printed = []
    for (let cursor = ''; printed.length < count; ) {
      const listed = await api.get(`/prints?limit=200${cursor ? `&cursor=${cursor}` : ''}`)
      printed.push(...listed.items.filter((entry) => entry.batch_id === batch))
      if (!listed.next) break
      cursor = listed.next
    }
    expect(printed.length === count, `${printed.length} labels in the ledger`)
    parcels = []
    for (const entry of printed) parcels.push(await api.get(`/shipments/${entry.shipment_id}`))
    expect(parcels.every((parcel) => parcel.print_count === 1), 'a label came out twice')
  })

  await checks.check(`${count} parcels are closed at the bench by scans alone`, async () => {
    expect(parcels.length > 0, 'nothing was printed')
    await page.keyboard.press('g')
    await page.keyboard.press('p')
    await page.waitForURL(/\/pack/)
    const scan = page.getByTestId('scan')
    await scan.waitFor()
    const type = async (code) => {
      await page.keyboard.type(code)
      await page.keyboard.press('Enter')
    }
    const bench = page.getByTestId('pack')
    const answered = (count) => page.waitForFunction((wanted) => Number(document.querySelector('[data-testid=pack]')?.dataset.answered) >= wanted, count, { timeout: 60_000 })
    let scans = 0
    let all = 0
    // A station stands in one warehouse: the parcels of one are packed before the station is moved to the next.
    parcels.sort((a, b) => (a.warehouse.id < b.warehouse.id ? -1 : a.warehouse.id > b.warehouse.id ? 1 : 0))
    let stands
    await timed('pack', async () => {
      for (const parcel of parcels) {
        if (parcel.warehouse.id !== stands) {
          stands = parcel.warehouse.id
          await api.put('/pack/stations/1', { warehouse_id: stands })
          await page.reload()
          await scan.waitFor()
          scans = 0
        }
        await page.waitForFunction(() => document.activeElement?.dataset.testid === 'scan')
        const codes = [parcel.waybill_number, ...parcel.items.flatMap((item) => Array.from({ length: item.quantity }, () => item.barcodes[0] ?? item.sku_code))]
        for (const code of codes) await type(code)
        scans += codes.length
        all += codes.length
        await answered(scans)
        expect((await bench.getAttribute('data-light')) === 'done', `${parcel.waybill_number}: the light is ${await bench.getAttribute('data-light')}: ${await page.getByTestId('last-scan').innerText()}`)
      }
    })
    seconds.scans = all
    await checks.shot('pack-many')
    for (const parcel of parcels) await until('packed', async () => (await api.get(`/shipments/${parcel.id}`)).shipment_state === 'packed')
    await page.keyboard.press('Escape')
    await page.waitForURL((address) => address.pathname === '/')
  })

  await checks.check(`${count} parcels are handed over by keys, and the market agrees to the last one`, async () => {
    expect(parcels.length > 0, 'nothing was printed')
    // The bench has just been left: the house around it, which hears the keys of places, is drawn first.
    await page.getByRole('navigation').first().waitFor()
    await page.waitForTimeout(500)
    await page.keyboard.press('g')
    await page.keyboard.press('t')
    await page.waitForURL(/\/print/)
    await inTab('packed')
    await rows().first().waitFor()
    await timed('hand over', async () => {
      await page.keyboard.press('Shift+A')
      await until('all marked', async () => Number(/\d+/.exec(await page.locator('.bulk-bar b').first().innerText())?.[0]) >= count)
      await page.keyboard.press('o')
      await page.getByTestId('tally').last().waitFor({ timeout: 60_000 })
    })
    for (const parcel of parcels) await until('handed over', async () => (await api.get(`/shipments/${parcel.id}`)).handed_over_at)
    await timed('told', async () => {
      for (const parcel of parcels) {
        await until('confirmed', async () => (await api.get(`/shipments/${parcel.id}`)).orders.every((order) => ['accepted', 'already'].includes(order.confirmation?.confirmation_state)), SLOW)
      }
    })
    if (!world) return
    const truth = await truthOf(world)
    let told = 0
    for (const parcel of parcels) {
      for (const { external_id } of parcel.orders) {
        const known = truth.get(external_id)?.shipments?.filter((shipment) => shipment.number === parcel.waybill_number) ?? []
        expect(known.length === 1 && known[0].effects === 1, `${external_id}: the market knows ${JSON.stringify(truth.get(external_id)?.shipments)}`)
        told += 1
      }
    }
    console.log(`      ${parcels.length} parcels, ${told} orders, ${seconds.scans} scans: ${Object.entries(seconds).filter(([name]) => name !== 'scans').map(([name, value]) => `${name} ${value.toFixed(1)} s`).join(', ')}`)
  })
}
