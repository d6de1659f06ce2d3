import { Form, Input } from 'antd'
import { useTranslation } from 'react-i18next'
import type { ManifestField } from '@/api/types'
import { currentLanguage } from '@/locales'

/** The fields that a vendor's manifest asks for. No vendor's name stands in the code: the manifest draws the form. */
export function ManifestFields({ fields, under, keep }: { fields: readonly ManifestField[]; under: string; keep: boolean }) {
  const { t } = useTranslation()
  const language = currentLanguage()
  return fields.map((field) => (
    <Form.Item
      key={field.name}
      name={[under, field.name]}
      label={field.label[language]}
      extra={field.help[language]}
      initialValue={keep ? undefined : field.default || undefined}
      rules={[{ required: field.required && !keep && !field.default, message: t('common.required') }]}
    >
      {field.secret ? (
        <Input.Password autoComplete="new-password" placeholder={keep ? t('shops.secret_kept') : undefined} />
      ) : (
        <Input autoComplete="off" placeholder={field.default} />
      )}
    </Form.Item>
  ))
}
