export function generate(document: string): Promise<string>
