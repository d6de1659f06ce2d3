/** Which tray of the tasks screen is open, as its URL says it. */
export const TASK_TABS = ['operations', 'alerts', 'jobs', 'parked'] as const
export type TasksTab = (typeof TASK_TABS)[number]

export function parseTasksTab(value: unknown): TasksTab {
  return TASK_TABS.find((tab) => tab === value) ?? 'operations'
}
