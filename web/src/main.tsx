import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { ConfigProvider } from 'antd'
import en from 'antd/locale/en_US'
import zhCN from 'antd/locale/zh_CN'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { useTranslation } from 'react-i18next'
import { queryClient } from './lib/queries'
import { startTheme, useTheme } from './lib/theme'
import { startI18n } from './locales'
import { router } from './router'
import { antdThemeOf } from './tokens'
import './app.css'

function App() {
  const { i18n } = useTranslation()
  const { name } = useTheme()
  return (
    <ConfigProvider locale={i18n.language === 'en' ? en : zhCN} theme={antdThemeOf(name)} button={{ autoInsertSpace: false }}>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </ConfigProvider>
  )
}

startTheme()
await startI18n()
const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
}
