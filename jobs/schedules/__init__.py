"""Schedules: the times of a cron expression (`cron`), and how they are shown and asked for."""
