"""Gates: one file, one rule, one `GATE`; asked in the order of their phases."""
