"""Pure methods of buildings: ratings by data sheets, labels in force, promises against what was measured."""
