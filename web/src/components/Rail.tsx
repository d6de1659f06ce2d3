import {
  BarsOutlined,
  CarOutlined,
  DatabaseOutlined,
  EllipsisOutlined,
  HomeOutlined,
  ImportOutlined,
  InboxOutlined,
  PrinterOutlined,
  ScheduleOutlined,
  SettingOutlined,
  ShopOutlined,
} from '@ant-design/icons'
import { Link, useNavigate } from '@tanstack/react-router'
import { Dropdown } from 'antd'
import type { ComponentType } from 'react'
import { useTranslation } from 'react-i18next'
import { useSession } from '@/api/session'
import { comboLabel, PLACES, useKeys, type PlaceId } from '@/lib/keys'
import { useNarrow } from '@/lib/media'

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

/** What a role must be allowed to do for a place to exist for it. */
const NEEDS: Partial<Record<PlaceId, string>> = {
  orders: 'orders.read',
  pack: 'shipments.act',
  print: 'shipments.read',
  stock: 'stock.read',
  shipments: 'shipments.read',
  shops: 'shops.read',
  imports: 'import',
  tasks: 'orders.read',
}

/** As many as fit under a thumb; the others are one press behind. */
const ON_A_PHONE = 5

export function Rail() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const narrow = useNarrow()
  const permissions = useSession()?.permissions ?? []
  const places = PLACES.filter((place) => {
    const need = NEEDS[place.id]
    return need === undefined || permissions.includes(need)
  })
  useKeys('global', Object.fromEntries(places.map((place) => [`go_${place.id}`, () => void navigate({ to: place.path })])))
  const behind = narrow ? places.slice(ON_A_PHONE) : []
  return (
    <nav className="rail" aria-label={t('shell.places')}>
      {(narrow ? places.slice(0, ON_A_PHONE) : places).map((place) => {
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
      {behind.length > 0 && (
        <Dropdown
          trigger={['click']}
          placement="topRight"
          menu={{
            items: behind.map((place) => {
              const Icon = ICONS[place.id]
              return { key: place.id, icon: <Icon />, label: t(`places.${place.id}`), onClick: () => void navigate({ to: place.path }) }
            }),
          }}
        >
          <button type="button" className="rail-link rail-more" data-testid="more-places">
            <EllipsisOutlined />
            <span>{t('shell.more')}</span>
          </button>
        </Dropdown>
      )}
    </nav>
  )
}
