import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'
import { recall, remember } from '@/lib/storage'

export const LANGUAGES = { 'zh-CN': '中文', en: 'English' } as const
export type Language = keyof typeof LANGUAGES

type Messages = Record<string, unknown>
const loaders: Record<Language, () => Promise<{ default: Messages }>> = {
  'zh-CN': () => import('./zh-CN'),
  en: () => import('./en'),
}

function firstLanguage(): Language {
  const kept = recall<string>('language', '')
  if (kept in LANGUAGES) return kept as Language
  return navigator.languages.some((tag) => tag.toLowerCase().startsWith('zh')) || navigator.languages.length === 0 ? 'zh-CN' : 'en'
}

export async function setLanguage(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, 'translation')) {
    const messages = (await loaders[language]()).default
    i18next.addResourceBundle(language, 'translation', messages)
  }
  await i18next.changeLanguage(language)
  document.documentElement.lang = language
  remember('language', language)
}

export async function startI18n(language: Language = firstLanguage()): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources: {},
    lng: undefined,
    fallbackLng: false,
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  await setLanguage(language)
}

export function currentLanguage(): Language {
  return i18next.language in LANGUAGES ? (i18next.language as Language) : 'zh-CN'
}
