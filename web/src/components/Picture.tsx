import { useState, type CSSProperties } from 'react'

/** A picture of goods; without one, a tile with the first sign of the name in a colour of its own. */
export function Picture({ url, name, size }: { url: string | null | undefined; name: string; size: number }) {
  const [broken, setBroken] = useState(false)
  const style = { '--picture': `${size}px` } as CSSProperties
  if (url && !broken) {
    return <img className="picture" src={url} alt="" style={style} loading="lazy" onError={() => setBroken(true)} />
  }
  let hue = 0
  for (const sign of name) hue = (hue * 31 + (sign.codePointAt(0) ?? 0)) % 360
  return (
    <span
      className="picture picture-tile"
      aria-hidden
      style={{ ...style, background: `hsl(${hue} 38% 36%)` }}
    >
      {[...name.trim()][0] ?? '·'}
    </span>
  )
}
