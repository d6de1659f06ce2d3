/**
 * The column names of a text file, read here so that a person can say what they mean when the server knows no layout for
 * them. The server reads the file itself in any case: this is only what the choices show.
 */
const LOOK_AT = 64 * 1024
const DELIMITERS = [',', '\t', ';', '|']

function textOf(bytes: ArrayBuffer): string {
  const head = new Uint8Array(bytes)
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  // The end of the piece may cut a letter in two: only what comes before the last line break is looked at.
  const cut = head.lastIndexOf(0x0a)
  const lines = cut > 0 ? head.slice(0, cut) : head
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(lines)
  } catch {
    return new TextDecoder('gb18030').decode(lines)
  }
}

/** The cells of one line, quotes minded. */
export function cellsOf(line: string, delimiter: string): string[] {
  const cells: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < line.length; at += 1) {
    const sign = line[at]
    if (quoted && sign === '"' && line[at + 1] === '"') {
      cell += '"'
      at += 1
    } else if (sign === '"') quoted = !quoted
    else if (sign === delimiter && !quoted) {
      cells.push(cell.trim())
      cell = ''
    } else cell += sign ?? ''
  }
  return [...cells, cell.trim()]
}

/** The line with the most cells among the first ones: titles above a header have fewer. */
export function headerOf(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/).filter((line) => line.trim()).slice(0, 10)
  let best: string[] = []
  for (const line of lines) {
    for (const delimiter of DELIMITERS) {
      const cells = cellsOf(line, delimiter)
      if (cells.length > best.length) best = cells
    }
  }
  return best.length > 1 ? [...new Set(best.filter(Boolean))] : []
}

/** Column names of a file; none for a workbook or a packed file, whose bytes are no text. */
export async function columnsOf(file: File): Promise<string[]> {
  if (/\.(xlsx?|gz|zip)$/i.test(file.name)) return []
  return headerOf(textOf(await file.slice(0, LOOK_AT).arrayBuffer()))
}
