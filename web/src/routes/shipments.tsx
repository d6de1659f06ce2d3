export { ShipmentsPage as default } from '@/features/shipments/ShipmentsPage'
