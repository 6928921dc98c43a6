"""OGC API - Features over the layers of the map: reading, filters, editing, downloads, and the ledger of who took what."""
