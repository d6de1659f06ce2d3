//! Due schedules become jobs, once among all processes.
