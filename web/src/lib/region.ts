import type { MaskedRecipient } from '@/api/types'

/** Region in one line; parts that repeat (a municipality is its own province) are said once. */
export function regionOf(recipient: MaskedRecipient): string {
  const { country, province, city, district, town } = recipient
  const parts = [province, city, district, town].filter(Boolean)
  const line = parts.filter((part, index) => part !== parts[index - 1]).join(' ')
  return country && country !== 'CN' ? `${country} ${line}`.trim() : line
}
