/** The shapes the screens use, as the contract names them. */
export interface Page<Item> {
  items: Item[]
  next: string | null
}

export interface Shop {
  id: string
  name: string
  vendor: string
  health: string
}

export interface Warehouse {
  id: string
  name: string
}
