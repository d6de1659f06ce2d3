import {
  BarsOutlined,
  CarOutlined,
  DatabaseOutlined,
  HomeOutlined,
  ImportOutlined,
  InboxOutlined,
  PrinterOutlined,
  ScheduleOutlined,
  SettingOutlined,
  ShopOutlined,
} from '@ant-design/icons'
import { Link, useNavigate } from '@tanstack/react-router'
import type { ComponentType } from 'react'
import { useTranslation } from 'react-i18next'
import { comboLabel, PLACES, useKeys, type PlaceId } from '@/lib/keys'

const ICONS: Record<PlaceId, ComponentType> = {
  home: HomeOutlined,
  orders: BarsOutlined,
  pack: InboxOutlined,
  print: PrinterOutlined,
  stock: DatabaseOutlined,
  shipments: CarOutlined,
  shops: ShopOutlined,
  imports: ImportOutlined,
  tasks: ScheduleOutlined,
  settings: SettingOutlined,
}

export function Rail() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  useKeys('global', Object.fromEntries(PLACES.map((place) => [`go_${place.id}`, () => void navigate({ to: place.path })])))
  return (
    <nav className="rail" aria-label={t('shell.places')}>
      {PLACES.map((place) => {
        const Icon = ICONS[place.id]
        return (
          <Link
            key={place.id}
            to={place.path}
            className="rail-link"
            activeProps={{ className: 'active', 'aria-current': 'page' }}
            activeOptions={{ exact: place.path === '/', includeSearch: false }}
            title={`${t(`places.${place.id}`)}  ${comboLabel(`g ${place.letter}`)}`}
          >
            <Icon />
            <span>{t(`places.${place.id}`)}</span>
          </Link>
        )
      })}
    </nav>
  )
}
