export default function PackPage() { return <h1>Pack</h1> }
