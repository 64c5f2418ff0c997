"""Stage 2, who: traits, addresses, objects, relations, consent."""
