"""Obtains a console: from those still usable, from a request under way, or from the cloud.

`url` says where a console URL is dialled, `cache` which consoles are still usable, `patience` and `budget` when a cloud
may be asked; `turns` lets so many ask at once. `broker` joins them with one request at a time for each server and kind;
`direct` stands in its place for a static cloud, where there is nobody to ask.
Consoles live in memory only and are never logged.
"""
