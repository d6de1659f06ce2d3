import { Checkbox, Input, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { missingFields, withColumn, type Mapping } from './preview'

/** Our fields, in the order in which people look for them. */
const FIELDS = [
  'order_id', 'placed_at', 'paid_at', 'status', 'title', 'variant', 'seller_code', 'quantity', 'unit_price', 'line_total', 'line_discount',
  'total', 'shipping', 'tax', 'discount', 'currency', 'buyer_nick', 'buyer_id', 'buyer_note', 'seller_note', 'recipient', 'phone', 'phone2',
  'country', 'province', 'city', 'district', 'town', 'postal_code', 'address', 'address2', 'address3', 'full_address', 'carrier',
  'tracking_number', 'shipped_at', 'closed_at', 'modified_at', 'ship_by', 'line_id', 'item_id', 'sku_id', 'image_url',
] as const

const SUMMED = ['total', 'shipping', 'tax', 'discount'] as const
const DAY_MONTH = ['day_first', 'month_first'] as const
const DECIMALS = ['point', 'comma'] as const

interface Props {
  /** The columns that can be chosen. */
  columns: readonly string[]
  mapping: Mapping
  readOnly: boolean
  onChange: (mapping: Mapping) => void
}

const bag = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {})
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Which column is which of our fields, and what the cells mean where columns alone do not say it. */
export function MappingEditor({ columns, mapping, readOnly, onChange }: Props) {
  const { t } = useTranslation()
  const missing = missingFields(mapping)
  const options = columns.map((column) => ({ value: column, label: column }))
  const constants = bag(mapping.constants)
  const dates = bag(mapping.dates)
  const numbers = bag(mapping.numbers)
  const signs = bag(mapping.signs)
  /** A part of a mapping with one value set, or left out when it is empty. */
  const part = (name: string, was: Record<string, unknown>, key: string, value: unknown) => {
    const { [key]: _was, ...rest } = was
    onChange({ ...mapping, [name]: value === '' || value === undefined ? rest : { ...rest, [key]: value } })
  }
  const word = (label: string, name: string, was: Record<string, unknown>, key: string, placeholder?: string) => (
    <label className="mapping-field">
      <span>{label}</span>
      <Input size="small" disabled={readOnly} value={text(was[key])} placeholder={placeholder} onChange={(event) => part(name, was, key, event.target.value)} />
    </label>
  )
  const choice = (label: string, name: string, was: Record<string, unknown>, key: string, values: readonly string[]) => (
    <label className="mapping-field">
      <span>{label}</span>
      <Select
        size="small"
        disabled={readOnly}
        allowClear
        aria-label={label}
        value={text(was[key]) || null}
        options={values.map((value) => ({ value, label: t(`mapping.${key}_${value}`) }))}
        onChange={(value) => part(name, was, key, value ?? undefined)}
      />
    </label>
  )
  return (
    <>
      {missing.length > 0 && (
        <p className="ink-bad">
          {t('mapping.missing')} {missing.map((field) => t(`mapping.${field}`)).join(t('common.list_join'))}
        </p>
      )}
      <div className="mapping">
        {FIELDS.map((field) => (
          <label key={field} className={`mapping-field${mapping.columns[field] ? ' used' : ''}`}>
            <span>{t(`mapping.${field}`)}</span>
            <Select
              size="small"
              disabled={readOnly}
              allowClear
              showSearch
              optionFilterProp="label"
              aria-label={t(`mapping.${field}`)}
              value={mapping.columns[field] ?? null}
              placeholder="—"
              options={options}
              onChange={(column) => onChange(withColumn(mapping, field, column ?? undefined))}
            />
          </label>
        ))}
      </div>
      <div className="mapping mapping-more">
        {word(t('mapping.constant_currency'), 'constants', constants, 'currency', 'CNY')}
        {word(t('mapping.constant_status'), 'constants', constants, 'status', 'completed')}
        {word(t('mapping.date_format'), 'dates', dates, 'format', '%d/%m/%Y %H:%M')}
        {word(t('imports.zone'), 'dates', dates, 'zone', 'Asia/Shanghai')}
        {choice(t('mapping.date_order'), 'dates', dates, 'order', DAY_MONTH)}
        {choice(t('mapping.decimal'), 'numbers', numbers, 'decimal', DECIMALS)}
        <label className="mapping-field">
          <span>{t('mapping.cancellation_prefixes')}</span>
          <Select
            size="small"
            mode="tags"
            disabled={readOnly}
            aria-label={t('mapping.cancellation_prefixes')}
            value={texts(signs.cancellation_prefixes)}
            onChange={(values: string[]) => part('signs', signs, 'cancellation_prefixes', values)}
          />
        </label>
        <label className="mapping-field">
          <span>{t('mapping.summed')}</span>
          <Select
            size="small"
            mode="multiple"
            disabled={readOnly}
            aria-label={t('mapping.summed')}
            value={texts(mapping.summed)}
            options={SUMMED.map((value) => ({ value, label: t(`mapping.${value}`) }))}
            onChange={(values: string[]) => onChange({ ...mapping, summed: values })}
          />
        </label>
        <Checkbox disabled={readOnly} checked={signs.negative_quantities === true} onChange={(event) => part('signs', signs, 'negative_quantities', event.target.checked)}>
          {t('mapping.negative_quantities')}
        </Checkbox>
        <Checkbox disabled={readOnly} checked={numbers.round === true} onChange={(event) => part('numbers', numbers, 'round', event.target.checked)}>
          {t('mapping.round')}
        </Checkbox>
        <Checkbox disabled={readOnly} checked={mapping.fill_down === true} onChange={(event) => onChange({ ...mapping, fill_down: event.target.checked })}>
          {t('mapping.fill_down')}
        </Checkbox>
      </div>
    </>
  )
}
