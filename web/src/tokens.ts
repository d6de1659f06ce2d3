/**
 * Every design token, in this one file: spacing, type, radii and the two palettes. The stylesheets read them as CSS
 * variables, Ant Design as its theme, charts by name. Text colours keep 4.5:1 on the surfaces they stand on
 * (`tokens.test.ts` computes it).
 */
import { theme as antdTheme, type ThemeConfig } from 'antd'

export type ThemeName = 'light' | 'dark'

export const space = { 1: 4, 2: 8, 3: 12, 4: 16, 5: 24 } as const
export const fontSize = { small: 12, text: 13, title: 16, figure: 26 } as const
export const rowHeight = 34
export const radius = 6
export const fontFamily =
  'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC", sans-serif'

export interface Palette {
  canvas: string
  surface: string
  sunken: string
  hover: string
  selected: string
  border: string
  borderStrong: string
  text: string
  muted: string
  accent: string
  accentText: string
  accentSoft: string
  rail: string
  railText: string
  railActive: string
  good: string
  goodSoft: string
  warn: string
  warnSoft: string
  bad: string
  badSoft: string
  info: string
  infoSoft: string
  idleSoft: string
}

export const palettes: Record<ThemeName, Palette> = {
  light: {
    canvas: '#f3f5f7',
    surface: '#ffffff',
    sunken: '#f7f8fa',
    hover: '#f0f4f8',
    selected: '#e3eff8',
    border: '#e1e5ea',
    borderStrong: '#8a94a0',
    text: '#17202a',
    muted: '#56616e',
    accent: '#0b5c8a',
    accentText: '#ffffff',
    accentSoft: '#e3eff8',
    rail: '#10212f',
    railText: '#b9c7d3',
    railActive: '#ffffff',
    good: '#176b3a',
    goodSoft: '#e2f4e8',
    warn: '#8a4b00',
    warnSoft: '#fdf0d5',
    bad: '#b3211d',
    badSoft: '#fde8e6',
    info: '#1d5488',
    infoSoft: '#e4eefa',
    idleSoft: '#eceff2',
  },
  dark: {
    canvas: '#0e1419',
    surface: '#161d24',
    sunken: '#12181e',
    hover: '#1d2731',
    selected: '#193346',
    border: '#2a353f',
    borderStrong: '#6f7c88',
    text: '#e4eaef',
    muted: '#a3afba',
    accent: '#6cb8e6',
    accentText: '#08202f',
    accentSoft: '#17364a',
    rail: '#0a1016',
    railText: '#a9b8c4',
    railActive: '#ffffff',
    good: '#6fd097',
    goodSoft: '#143223',
    warn: '#f0b95b',
    warnSoft: '#3a2a0d',
    bad: '#ff938b',
    badSoft: '#431b19',
    info: '#8fc0f0',
    infoSoft: '#172e47',
    idleSoft: '#232d36',
  },
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Writes the tokens of a theme as CSS variables on the document. */
export function applyTokens(name: ThemeName): void {
  const root = document.documentElement
  root.dataset.theme = name
  root.style.colorScheme = name
  for (const [key, value] of Object.entries(palettes[name])) root.style.setProperty(`--${kebab(key)}`, value)
  for (const [key, value] of Object.entries(space)) root.style.setProperty(`--space-${key}`, `${value}px`)
  for (const [key, value] of Object.entries(fontSize)) root.style.setProperty(`--font-${key}`, `${value}px`)
  root.style.setProperty('--row', `${rowHeight}px`)
  root.style.setProperty('--radius', `${radius}px`)
  root.style.setProperty('--font', fontFamily)
}

/** The same tokens as Ant Design's theme. */
export function antdThemeOf(name: ThemeName): ThemeConfig {
  const p = palettes[name]
  return {
    algorithm: name === 'dark' ? antdTheme.darkAlgorithm : antdTheme.defaultAlgorithm,
    token: {
      colorPrimary: p.accent,
      colorInfo: p.info,
      colorSuccess: p.good,
      colorWarning: p.warn,
      colorError: p.bad,
      colorText: p.text,
      colorTextSecondary: p.muted,
      colorTextDescription: p.muted,
      colorTextPlaceholder: p.muted,
      colorTextLightSolid: p.accentText,
      colorBgBase: p.surface,
      colorBgContainer: p.surface,
      colorBgElevated: p.surface,
      colorBgLayout: p.canvas,
      colorBorder: p.borderStrong,
      colorBorderSecondary: p.border,
      borderRadius: radius,
      fontFamily,
      fontSize: fontSize.text,
      controlHeight: 30,
      motionDurationMid: '0.12s',
      motionDurationSlow: '0.16s',
    },
  }
}
