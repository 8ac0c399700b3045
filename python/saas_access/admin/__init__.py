"""The admin API: organizations, aliases, groups, teams, keys, credits, jobs and what explains them, over HTTP."""
