"""Who is called, who calls, who pays: customers, DIDs, CLIs, trunks, and the key that vouches for them."""
