"""Pictures in, percepts out.

- `reading`: image files become RGB pictures, or are refused in one clear line.
- `embedded`: the embedded world's scorers; `clip`: zero-shot CLIP for any vocabulary; `classifier`: a scene
  classifier and an object detector; `oracle`: perception that knows the answer, for tests.

Import from the module you need: the models behind them are heavy.
"""
