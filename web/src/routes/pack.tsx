export { PackPage as default } from '@/features/pack/PackPage'
