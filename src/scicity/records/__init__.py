"""Records: what people enter and decide on pages, kept by Django and published to the lake as tables that figures depend on."""
