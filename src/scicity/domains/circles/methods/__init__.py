"""Pure functions over arrays: networks of ways, who reaches what in which time, and where one more place helps most."""
