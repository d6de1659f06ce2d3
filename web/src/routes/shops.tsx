export default function ShopsPage() { return <h1>Shops</h1> }
