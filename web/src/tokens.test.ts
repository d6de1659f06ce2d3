import { describe, expect, it } from 'vitest'
import { palettes, type Palette, type ThemeName } from './tokens'

function luminance(hex: string): number {
  const channel = (at: number) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

const pairs: [keyof Palette, keyof Palette][] = [
  ...(['text', 'muted', 'accent', 'good', 'warn', 'bad', 'info'] as const).flatMap((ink) =>
    (['canvas', 'surface', 'sunken', 'hover', 'selected'] as const).map((ground): [keyof Palette, keyof Palette] => [ink, ground]),
  ),
  ['good', 'goodSoft'],
  ['warn', 'warnSoft'],
  ['bad', 'badSoft'],
  ['info', 'infoSoft'],
  ['muted', 'idleSoft'],
  ['accentText', 'accent'],
  ['accent', 'accentSoft'],
  ['railText', 'rail'],
  ['railActive', 'rail'],
]

describe.each(['light', 'dark'] as ThemeName[])('the %s palette', (name) => {
  it.each(pairs)('%s is readable on %s', (ink, ground) => {
    expect(contrast(palettes[name][ink], palettes[name][ground])).toBeGreaterThanOrEqual(4.5)
  })
})
