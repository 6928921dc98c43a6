"""Pure methods of carbon: factors from what they are made of, and the linter that refuses the wrong ones."""
