/** The contract's shapes by the names that screens use. All of them come from the generated schema. */
import type { components } from './schema.gen'

type Schemas = components['schemas']

export interface Page<Item> {
  items: Item[]
  next?: string | null
}

export type Money = Schemas['Money']
export type Named = Schemas['Named']
export type Actor = Schemas['ActorDto']
export type MaskedRecipient = Schemas['MaskedRecipient']
export type Recipient = Schemas['OpenRecipient']

export type OrderRow = Schemas['OrderRow']
export type OrderDetail = Schemas['OrderDetail']
export type OrderLine = Schemas['Line']
export type Counts = Schemas['OrderCounts']
export type Hold = Schemas['Hold']
export type Fix = Schemas['Fix']
export type TimelineEvent = Schemas['TimelineEvent']
/** Orders of an action: ids, or everything that a filter matches. */
export type Selection = Schemas['Selection']
export type ActionResult = Schemas['ActionResult']
export type ActionTally = Schemas['Tally']
export type ActionAnswer = Schemas['ActionAnswer']
/** A long bulk action on its way, and what came of it. */
export type Operation = Schemas['OperationDto']
export type OperationDetail = Schemas['OperationDetail']
export type DeadJob = Schemas['DeadJob']
export type LaneDepth = Schemas['LaneDepth']
export type Parked = Schemas['ParkedDto']
export type AuditEntry = Schemas['AuditDto']
export type Listing = Schemas['ListingDto']
export type Alert = Schemas['AlertDto']
export type ImportBatch = Schemas['ImportDto']
export type HomeBoard = Schemas['Home']

export type Shop = Schemas['ShopDto']
export type ShopChange = Schemas['ShopChange']
export type Vendor = Schemas['VendorDto']
export type ManifestField = Schemas['Field']
export type CompletenessHour = Schemas['CompletenessHour']
/** What is read is whole; only what is sent may leave parts out. */
export type Warehouse = Required<Omit<Schemas['WarehouseDto'], 'lng_e6' | 'lat_e6'>> & Pick<Schemas['WarehouseDto'], 'lng_e6' | 'lat_e6'>
export type CarrierAccount = Schemas['CarrierAccountDto']
export type Rate = Required<Schemas['RateDto']>

export type Shipment = Schemas['ShipmentDto']
export type MadeFile = Schemas['FileDto']
export type PrintAnswer = Schemas['PrintAnswer']
export type PrintEntry = Schemas['PrintDto']
export type Bench = Schemas['BenchDto']
export type PackParcel = Schemas['PackParcel']
export type PackLine = Schemas['PackLine']

export type StockRow = Schemas['StockRow']
export type StockLevel = Schemas['LevelDto']
export type StockExplanation = Schemas['StockExplanation']

export type User = Schemas['UserDto']
export type Role = Schemas['RoleDto']
export type Token = Schemas['TokenDto']
export type Session = Schemas['Me']
