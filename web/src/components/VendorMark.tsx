import type { Vendor } from '@/api/types'

/** A vendor's logo, drawn from its manifest as an image: it can run no script. */
export function VendorMark({ vendor }: { vendor: Vendor | undefined }) {
  if (!vendor?.logo_svg) return <span className="vendor-mark" aria-hidden />
  return <img className="vendor-mark" alt="" width={24} height={24} src={`data:image/svg+xml;utf8,${encodeURIComponent(vendor.logo_svg)}`} />
}
