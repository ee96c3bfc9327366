"""Jobs: work that takes long, asked for by one request, done beside the calls, and looked at by others."""
