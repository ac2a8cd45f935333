"""The renderer of the embedded world: terms in, a picture and its truth out; no model is involved.

`vocabulary` lists what can be drawn, `drawing` makes the picture, `layout` places what `people` and `atlas` draw on
what `scenes` paints; `effects` and `styles` come last.
"""
