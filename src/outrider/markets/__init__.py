"""Market packs: pure data, one file per market, one `MARKET` in each."""
