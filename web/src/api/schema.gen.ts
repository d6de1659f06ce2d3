// Stands in until the contract is generated.
// eslint-disable-next-line
export type paths = any
