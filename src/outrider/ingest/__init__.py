"""Stage 1, a raw record becomes an entry: validate, find its stream, map."""
