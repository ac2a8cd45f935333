"""The embedded world: pictures of its terms, drawn by this package.

`atlas` reads the glyphs, `layout` places them, `scenes` paints what is behind them, and
`drawing` makes the picture.
"""
