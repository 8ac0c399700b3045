"""The web dashboard at /admin: pages made on the server from what the admin API answers, and nothing else."""
