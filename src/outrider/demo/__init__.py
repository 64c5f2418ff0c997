"""`outrider demo`: a day of a rental company in half a minute, with real processes, real HTTP and a real database."""
