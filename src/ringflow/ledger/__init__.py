"""Money: accounts, movements, holds, counted calls and rates, exact under any crash."""
