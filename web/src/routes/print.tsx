export { PrintPage as default } from '@/features/shipments/PrintPage'
