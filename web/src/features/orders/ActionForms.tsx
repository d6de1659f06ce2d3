/** What an action asks for. Each form gives the action's own fields, or `undefined` while they are not complete. */
import { useQuery } from '@tanstack/react-query'
import { Checkbox, Input, InputNumber, Select } from 'antd'
import { useEffect, useId, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { carriersQuery, usersQuery, warehousesQuery } from '@/api/shared'
import type { OrderDetail } from '@/api/types'
import { openRecipient } from './queries'

export type Fields = Record<string, unknown>
export interface FormProps {
  order: OrderDetail | undefined
  onChange: (fields: Fields | undefined) => void
}

const CANCEL_CHOICES = [
  'buyer_asked',
  'wrong_item',
  'wrong_details',
  'not_paid',
  'duplicate',
  'out_of_stock',
  'wrong_price',
  'quality',
  'address_unreachable',
  'too_slow',
  'malicious',
  'met_in_person',
  'other',
] as const

function Field({ label, children }: { label: string; children: (id: string) => ReactNode }) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
    </div>
  )
}

function useFields(fields: Fields | undefined, onChange: FormProps['onChange']): void {
  const key = JSON.stringify(fields)
  useEffect(() => {
    onChange(fields)
    // The key stands for the fields: an equal value is not news.
  }, [key])
}

function HoldForm({ onChange }: FormProps) {
  const { t } = useTranslation()
  const [note, setNote] = useState('')
  useFields({ note }, onChange)
  return (
    <Field label={t('orders.hold_reason')}>
      {(id) => <Input id={id} value={note} onChange={(event) => setNote(event.target.value)} maxLength={200} autoFocus />}
    </Field>
  )
}

function CancelForm({ onChange }: FormProps) {
  const { t } = useTranslation()
  const [reason, setReason] = useState<string>()
  const [note, setNote] = useState('')
  useFields(reason ? { reason, note: note || undefined } : undefined, onChange)
  return (
    <>
      <Field label={t('orders.cancel_reason')}>
        {(id) => (
          <Select
            id={id}
            value={reason}
            onChange={setReason}
            autoFocus
            placeholder={t('common.choose')}
            options={CANCEL_CHOICES.map((value) => ({ value, label: t(`cancel_reason.${value}`) }))}
          />
        )}
      </Field>
      <Field label={t('orders.note')}>{(id) => <Input id={id} value={note} onChange={(event) => setNote(event.target.value)} />}</Field>
    </>
  )
}

function RouteForm({ onChange }: FormProps) {
  const { t } = useTranslation()
  const warehouses = useQuery(warehousesQuery).data?.items ?? []
  const [warehouse, setWarehouse] = useState<string>('')
  const [partial, setPartial] = useState(false)
  useFields({ warehouse_id: warehouse || null, partial }, onChange)
  return (
    <>
    <Field label={t('orders.warehouse')}>
      {(id) => (
        <Select
          id={id}
          autoFocus
          value={warehouse}
          onChange={setWarehouse}
          options={[{ value: '', label: t('orders.warehouse_best') }, ...warehouses.map((entry) => ({ value: entry.id, label: entry.name }))]}
        />
      )}
    </Field>
    <Checkbox checked={partial} onChange={(event) => setPartial(event.target.checked)}>
      {t('orders.route_partial')}
    </Checkbox>
    </>
  )
}

function CarrierForm({ onChange }: FormProps) {
  const { t } = useTranslation()
  const carriers = useQuery(carriersQuery).data?.items ?? []
  const [account, setAccount] = useState<string>()
  useFields(account ? { carrier_account_id: account } : undefined, onChange)
  return (
    <Field label={t('orders.carrier')}>
      {(id) => (
        <Select
          id={id}
          autoFocus
          value={account}
          onChange={setAccount}
          placeholder={t('common.choose')}
          options={carriers.map((entry) => ({ value: entry.id, label: entry.name }))}
        />
      )}
    </Field>
  )
}

function NoteForm({ order, onChange }: FormProps) {
  const { t } = useTranslation()
  const [note, setNote] = useState(order?.seller_note ?? '')
  useFields({ seller_note: note }, onChange)
  return (
    <Field label={t('orders.seller_note')}>
      {(id) => <Input.TextArea id={id} value={note} onChange={(event) => setNote(event.target.value)} autoSize={{ minRows: 2, maxRows: 6 }} autoFocus />}
    </Field>
  )
}

function TagForm({ order, onChange }: FormProps) {
  const { t } = useTranslation()
  const known = order?.tags ?? []
  const [add, setAdd] = useState<string[]>([])
  const [remove, setRemove] = useState<string[]>([])
  useFields(add.length + remove.length > 0 ? { add, remove } : undefined, onChange)
  const options = known.map((tag) => ({ value: tag, label: t(`tag.${tag}`, { defaultValue: tag }) }))
  return (
    <>
      <Field label={t('orders.tags_add')}>{(id) => <Select id={id} mode="tags" autoFocus value={add} onChange={setAdd} options={options} />}</Field>
      <Field label={t('orders.tags_remove')}>{(id) => <Select id={id} mode="tags" value={remove} onChange={setRemove} options={options} />}</Field>
    </>
  )
}

function AssignForm({ onChange }: FormProps) {
  const { t } = useTranslation()
  const users = useQuery(usersQuery).data?.items ?? []
  const [user, setUser] = useState<string>('')
  useFields({ user_id: user || null }, onChange)
  return (
    <Field label={t('orders.assignee')}>
      {(id) => (
        <Select
          id={id}
          autoFocus
          value={user}
          onChange={setUser}
          options={[{ value: '', label: t('orders.nobody') }, ...users.map((entry) => ({ value: entry.id, label: entry.name }))]}
        />
      )}
    </Field>
  )
}

/** Orders shared evenly among people. */
function ShareForm({ onChange }: FormProps) {
  const { t } = useTranslation()
  const users = (useQuery(usersQuery).data?.items ?? []).filter((user) => !user.disabled_at)
  const [among, setAmong] = useState<string[]>([])
  useFields(among.length > 0 ? { among } : undefined, onChange)
  return (
    <Field label={t('orders.share_among')}>
      {(id) => (
        <>
          <Select id={id} mode="multiple" autoFocus optionFilterProp="label" value={among} onChange={setAmong} options={users.map((entry) => ({ value: entry.id, label: entry.name }))} />
          <span className="muted">{t('orders.share_hint')}</span>
        </>
      )}
    </Field>
  )
}

const ADDRESS_FIELDS = ['name', 'phone', 'province', 'city', 'district', 'town', 'address', 'postal_code'] as const

interface Address {
  name: string
  phone: string
  province: string
  city: string
  district: string
  town: string
  address: string
  postal_code: string
}

/** Editing an address opens it first: on purpose, and logged. */
function AddressForm({ order, onChange }: FormProps) {
  const { t } = useTranslation()
  const [was, setWas] = useState<Address>()
  const [now, setNow] = useState<Partial<Address>>({})
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    if (!order) return
    const { province, city, district, town, postal_code } = order.recipient
    openRecipient(order.id).then(
      ({ name, phone, address }) => setWas({ name, phone, province, city, district, town, address, postal_code }),
      () => {
        setFailed(true)
        setWas({ name: '', phone: '', province, city, district, town, address: '', postal_code })
      },
    )
    // Once for an order: what is typed stays when the order is read again.
  }, [order?.id])
  // Only what changed is sent: what the channel gave masked must not be written back as the address.
  const changes = ADDRESS_FIELDS.filter((key) => was !== undefined && now[key] !== undefined && now[key] !== was[key])
  useFields(changes.length > 0 ? { recipient: Object.fromEntries(changes.map((key) => [key, now[key]])) } : undefined, onChange)
  return (
    <div className="address-form">
      {failed && <p className="ink-warn">{t('orders.recipient_closed')}</p>}
      {ADDRESS_FIELDS.map((key) => (
        <Field key={key} label={t(`recipient.${key}`)}>
          {(fieldId) => (
            <Input
              id={fieldId}
              autoFocus={key === 'district'}
              disabled={!was}
              value={now[key] ?? was?.[key] ?? ''}
              onChange={(event) => setNow({ ...now, [key]: event.target.value })}
            />
          )}
        </Field>
      ))}
    </div>
  )
}

/** How many of each line go first; the rest waits in a fulfillment of its own. */
function SplitForm({ order, onChange }: FormProps) {
  const { t } = useTranslation()
  const open = (order?.items ?? []).filter((line) => line.ordered - line.cancelled - line.shipped > 0)
  const [part, setPart] = useState<Record<string, number>>({})
  const chosen = open.map((line) => ({ id: line.id, quantity: part[line.id] ?? 0 })).filter((line) => line.quantity > 0)
  const all = open.every((line) => (part[line.id] ?? 0) >= line.ordered - line.cancelled - line.shipped)
  useFields(chosen.length > 0 && !all ? { lines: chosen } : undefined, onChange)
  return (
    <>
      <p className="muted">{t('orders.split_hint')}</p>
      {open.map((line, index) => (
        <Field key={line.id} label={`${line.title} ${line.variant}`}>
          {(id) => (
            <InputNumber
              id={id}
              min={0}
              max={line.ordered - line.cancelled - line.shipped}
              value={part[line.id] ?? 0}
              autoFocus={index === 0}
              onChange={(value) => setPart({ ...part, [line.id]: value ?? 0 })}
              suffix={`/ ${line.ordered - line.cancelled - line.shipped}`}
            />
          )}
        </Field>
      ))}
    </>
  )
}

export const FORMS: Record<string, (props: FormProps) => ReactNode> = {
  hold: HoldForm,
  cancel: CancelForm,
  route: RouteForm,
  carrier: CarrierForm,
  note: NoteForm,
  tag: TagForm,
  assign: AssignForm,
  share: ShareForm,
  address: AddressForm,
  split: SplitForm,
}

