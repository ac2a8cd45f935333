"""Image generators: prompts in, pictures out.

- `diffusers_local`: any text-to-image pipeline of diffusers, from a folder, a hub id or one file.
- `embedded`: the small model that ships with the package, loaded through the same class.
- `images_api`: an OpenAI-compatible images endpoint.
- `cache`: keeps what another generator drew, on disk, for all runs.
"""
