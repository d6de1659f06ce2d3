export default function ShipmentsPage() { return <h1>Shipments</h1> }
