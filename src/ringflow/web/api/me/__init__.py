"""What a customer's own programs reach: `/api/v1/me`, and nothing else."""
