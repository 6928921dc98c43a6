"""What can be told of a datastream from its readings alone: pure functions over arrays."""
