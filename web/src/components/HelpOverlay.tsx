import { Modal } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { comboLabel, KEYMAP, useKeys, type KeyScope } from '@/lib/keys'

const SCOPES: KeyScope[] = ['global', 'orders', 'parcels', 'bulk', 'pack']

/** `?`: every key of the application, from the same table that the screens obey. */
export function HelpOverlay() {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  useKeys('global', { help: () => setOpen((was) => !was) })
  return (
    <Modal open={open} onCancel={() => setOpen(false)} footer={null} title={t('shell.keys_title')} width={760} destroyOnHidden>
      <div className="help">
        {SCOPES.map((scope) => (
          <section key={scope}>
            <h3>{t(`keys.scope_${scope}`)}</h3>
            <dl>
              {KEYMAP.filter((entry) => entry.scope === scope).map((entry) => (
                <div key={entry.combo}>
                  <dt>
                    <kbd>{comboLabel(entry.combo)}</kbd>
                  </dt>
                  <dd>{t(`keys.${entry.id}`)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  )
}
