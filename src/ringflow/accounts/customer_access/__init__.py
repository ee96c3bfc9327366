"""How customers and their own programs reach what is theirs: logins, tokens, numbers added by call-back."""
