export { StockPage as default } from '@/features/stock/StockPage'
