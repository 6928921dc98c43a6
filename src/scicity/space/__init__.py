"""Space: the layers of a district's map, from files of many kinds to the lake, and from the lake to an index that serves them.

Knows the kernel and the vocabulary; no domain, no page, no Django.
"""
