"""Images, frames, videos, optical flow and geometry. Everything here works on arrays and files, not on clips."""
