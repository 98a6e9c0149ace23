"""The pages that operators watch and stop mail with. They show what `monitoring` reads, and refresh themselves."""
