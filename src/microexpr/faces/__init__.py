"""Faces in one image: detection, landmarks, active appearance model, alignment."""
