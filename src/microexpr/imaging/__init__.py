"""Images, videos, optical flow and geometry: arrays in, arrays out; nothing here knows of a clip."""
