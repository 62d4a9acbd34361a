"""Filter expressions after https://google.aip.dev/160 (docs/filters.md): text -> tree -> SQL, or plain Python."""
